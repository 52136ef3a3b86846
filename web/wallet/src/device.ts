// The device's key and what it signs, as docs/guides/signing-in-and-devices.md tells it.
//
// ES256 by Web Crypto. The private key is made so that no script can read it, kept in IndexedDB as an
// object, and never leaves the browser.

import { fromBase64, toBase64, toHex } from "@jialing/sdk/offline";
import type { Money } from "@shared/money.ts";

import { keep, kept } from "./keep.ts";

const CURVE = { name: "ECDSA", namedCurve: "P-256" } as const;
const SIGNING = { name: "ECDSA", hash: "SHA-256" } as const;

/** A key of this browser, bound to a person's account once `device_id` is there. */
export interface DeviceKey {
  readonly keys: CryptoKeyPair;
  readonly public_key: string;
  readonly key_id: string;
  readonly device_id: string | null;
}

const nameOf = (phone: string) => `device:${phone}`;

export async function makeKey(): Promise<DeviceKey> {
  const keys = await crypto.subtle.generateKey(CURVE, false, ["sign", "verify"]);
  const spki = new Uint8Array(await crypto.subtle.exportKey("spki", keys.publicKey));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", spki));
  return { keys, public_key: toBase64(spki), key_id: toHex(digest).slice(0, 16), device_id: null };
}

export function deviceOf(phone: string): Promise<DeviceKey | undefined> {
  return kept<DeviceKey>(nameOf(phone));
}

export function keepDevice(phone: string, device: DeviceKey): Promise<void> {
  return keep(nameOf(phone), device);
}

export async function sign(device: DeviceKey, text: string): Promise<string> {
  return toBase64(new Uint8Array(await crypto.subtle.sign(SIGNING, device.keys.privateKey, new TextEncoder().encode(text))));
}

export interface Challenge {
  readonly challenge_id: string;
  readonly nonce: string;
}

/** What a device signs to be bound, or to sign in. */
export function deviceText(action: "bind" | "sign_in", challenge: Challenge, keyId: string): string {
  return `JIALING-DEVICE-1\naction:${action}\nchallenge:${challenge.challenge_id}\nnonce:${challenge.nonce}\nkey:${keyId}\n`;
}

/** What is meant by a movement of money. */
export interface Meant {
  readonly action: string;
  readonly payee: string;
  readonly amount: Money;
  readonly subject: string;
  readonly wallet: string;
  /** `toISOString` of the instant. */
  readonly expires: string;
  readonly nonce: string;
}

/** The text that the device signs, every line ended by a line feed. A value with a control character is refused. */
export function evidenceText({ action, payee, amount, subject, wallet, expires, nonce }: Meant): string {
  const lines = { action, payee, amount: `${amount.amount} ${amount.currency}`, subject, wallet, expires, nonce };
  let text = "JIALING-EVIDENCE-1\n";
  for (const [name, value] of Object.entries(lines)) {
    if (/[\p{Cc}\u2028\u2029]/u.test(value)) throw new RangeError(`${name} holds a control character`);
    text += `${name}:${value}\n`;
  }
  return text;
}

/** 32 random hexadecimal digits. */
export function makeNonce(): string {
  return toHex(crypto.getRandomValues(new Uint8Array(16)));
}

/** Base64 as the platform writes it; an error for anything else. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const bytes = fromBase64(text);
  if (bytes === null) throw new RangeError("no base64");
  return new Uint8Array(bytes);
}

/** What this browser calls itself in the list of devices. */
export function deviceName(agent: string): string {
  const system = /iPhone|iPad|Android|Windows|Mac OS|Linux/.exec(agent)?.[0] ?? "";
  const browser = /(Edg|Firefox|Chrome|Safari)/.exec(agent)?.[0] ?? "Browser";
  return `${system === "Mac OS" ? "Mac" : system} ${browser === "Edg" ? "Edge" : browser}`.trim();
}
