// Arriving: codes, the device's binding, sessions.

import { deviceName, deviceText, type DeviceKey, makeKey, sign, type Challenge } from "../device.ts";
import { api } from "./client.ts";
import type { Factor, SignedIn } from "./types.ts";

export type Purpose = "sign_up" | "sign_in" | "recover";

export interface CodeSent {
  readonly expires_in: number;
  readonly resend_after: number;
}

export function sendCode(phone: string, purpose: Purpose, language: string): Promise<CodeSent> {
  return api("/v1/wallet/codes", { method: "POST", body: { phone, purpose, language } });
}

export function sendOwnCode(language: string): Promise<CodeSent> {
  return api("/v1/wallet/codes/second-factor", { method: "POST", body: { language } });
}

export function drawChallenge(): Promise<Challenge> {
  return api("/v1/wallet/devices/challenges", { method: "POST" });
}

export interface NewDevice {
  readonly challenge_id: string;
  readonly public_key: string;
  readonly name: string;
  readonly signature: string;
}

/** Proof that this browser holds `device`'s key, to bind it. */
export async function newDevice(device: DeviceKey): Promise<NewDevice> {
  const challenge = await drawChallenge();
  const signature = await sign(device, deviceText("bind", challenge, device.key_id));
  return { challenge_id: challenge.challenge_id, public_key: device.public_key, name: deviceName(navigator.userAgent), signature };
}

export async function signUp(phone: string, code: string, password: string): Promise<{ answer: SignedIn; device: DeviceKey }> {
  const device = await makeKey();
  const answer = await api<SignedIn>("/v1/wallet/people", { method: "POST", body: { phone, code, password, device: await newDevice(device) } });
  return { answer, device };
}

/** Signs in: with the key that is bound here, with a new one where `bind`, else with none. */
export async function signIn(phone: string, password: string, factor: Factor, known: DeviceKey | null, bind: boolean): Promise<{ answer: SignedIn; device: DeviceKey | null }> {
  const proof = "code" in factor ? { code: factor.code } : { factor };
  const ask = (more: object) => api<SignedIn>("/v1/wallet/sessions", { method: "POST", body: { phone, password, ...proof, ...more } });
  if (known?.device_id) {
    const challenge = await drawChallenge();
    const signature = await sign(known, deviceText("sign_in", challenge, known.key_id));
    return { answer: await ask({ device: { device_id: known.device_id, challenge_id: challenge.challenge_id, signature } }), device: known };
  }
  if (!bind) return { answer: await ask({}), device: null };
  const device = await makeKey();
  return { answer: await ask({ new_device: await newDevice(device) }), device };
}

/** A phone as the platform takes it, or `null`. */
export function phoneOf(typed: string): string | null {
  const digits = typed.replace(/[\s-]/g, "");
  return /^(?:(?:\+86)?1\d{10}|\+\d{6,15})$/.test(digits) ? digits : null;
}
