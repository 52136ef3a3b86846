// Passkeys. A challenge here is never an opaque number: it is the SHA-256 of a text that both sides know,
// so what the authenticator signs names the action, and for money the amount, the payee and the order.

import { toBase64 } from "@jialing/sdk/offline";

import { bytesOf } from "../device.ts";
import type { PasskeyEvidence } from "../money/acts.ts";
import { api } from "./client.ts";
import { drawChallenge } from "./people.ts";

export interface PasskeyOptions {
  readonly rp_id: string;
  readonly rp_name: string;
  readonly user_id: string;
  readonly user_name: string;
  readonly algorithms: readonly number[];
  readonly exclude: readonly string[];
}

export interface Passkey {
  readonly id: string;
  readonly name: string;
  readonly credential_id: string;
  readonly algorithm: string;
  readonly backed_up: boolean;
  readonly created_at: string;
  readonly last_used_at?: string;
}

/** Base64url without padding. */
export function toUrl(bytes: ArrayBuffer | Uint8Array): string {
  return toBase64(new Uint8Array(bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

export function fromUrl(text: string): Uint8Array<ArrayBuffer> {
  const standard = text.replace(/-/g, "+").replace(/_/g, "/");
  return bytesOf(standard.padEnd(Math.ceil(standard.length / 4) * 4, "="));
}

export function passkeysWork(): boolean {
  return typeof PublicKeyCredential === "function";
}

/** The text behind the challenge of anything but money. */
export function passkeyText(action: "register" | "sign_in" | "step_up", challenge: { challenge_id: string; nonce: string }): string {
  return `JIALING-PASSKEY-1\naction:${action}\nchallenge:${challenge.challenge_id}\nnonce:${challenge.nonce}\n`;
}

async function hashed(text: string): Promise<ArrayBuffer> {
  return crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
}

/** Makes a passkey and registers it under `name`. */
export async function registerPasskey(name: string, factor: unknown): Promise<Passkey> {
  const options = await api<PasskeyOptions>("/v1/wallet/passkeys/options");
  const challenge = await drawChallenge();
  const made = await navigator.credentials.create({
    publicKey: {
      challenge: await hashed(passkeyText("register", challenge)),
      rp: { id: options.rp_id, name: options.rp_name },
      user: { id: fromUrl(options.user_id), name: options.user_name, displayName: options.user_name },
      pubKeyCredParams: options.algorithms.map((alg) => ({ type: "public-key", alg })),
      excludeCredentials: options.exclude.map((id) => ({ type: "public-key", id: fromUrl(id) })),
      authenticatorSelection: { residentKey: "required", requireResidentKey: true, userVerification: "required" },
      attestation: "none",
    },
  });
  if (!(made instanceof PublicKeyCredential) || !(made.response instanceof AuthenticatorAttestationResponse)) throw new Error("no passkey was made");
  return api("/v1/wallet/passkeys", {
    method: "POST",
    body: {
      name,
      challenge_id: challenge.challenge_id,
      client_data_json: toUrl(made.response.clientDataJSON),
      attestation_object: toUrl(made.response.attestationObject),
      ...(factor === null ? {} : { factor }),
    },
  });
}

async function assert(text: string): Promise<PasskeyEvidence> {
  const got = await navigator.credentials.get({ publicKey: { challenge: await hashed(text), userVerification: "required" } });
  if (!(got instanceof PublicKeyCredential) || !(got.response instanceof AuthenticatorAssertionResponse)) throw new Error("no passkey answered");
  return {
    credential_id: toUrl(got.rawId),
    client_data_json: toUrl(got.response.clientDataJSON),
    authenticator_data: toUrl(got.response.authenticatorData),
    signature: toUrl(got.response.signature),
  };
}

/** A passkey's answer to sign in, or to step up. */
export async function passkeyFor(action: "sign_in" | "step_up"): Promise<PasskeyEvidence & { challenge_id: string }> {
  const challenge = await drawChallenge();
  return { challenge_id: challenge.challenge_id, ...(await assert(passkeyText(action, challenge))) };
}

/** A passkey's signature over the very text that the device signs: it stands in for the PIN. */
export function passkeySigns(evidence: string): Promise<PasskeyEvidence> {
  return assert(evidence);
}
