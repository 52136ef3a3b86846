// Parcels: a sealed part of a message, for somebody who holds the same key. AES-256-GCM or SM4-GCM with the
// nonce beside the ciphertext.

import { type Bytes, fromBase64, toBase64, utf8 } from "./bytes.js";
import { openSm4Gcm, sealSm4Gcm } from "./sm4.js";

/** A cipher's name. */
export type SealAlgorithm = "AES-256-GCM" | "SM4-GCM";

/** A sealed part of a message. */
export interface Parcel {
  readonly algorithm: SealAlgorithm;
  /** Which of the keys that both sides hold. */
  readonly key_id: string;
  /** 12 bytes in base64. */
  readonly nonce: string;
  /** What it belongs to; authenticated, not secret. */
  readonly associated_data: string;
  /** Ciphertext and tag in base64. */
  readonly ciphertext: string;
}

/** A key and its id: 32 bytes for AES-256-GCM, 16 for SM4-GCM. */
export interface SealKey {
  readonly id: string;
  readonly key: Bytes;
}

const KEY_LENGTH: Readonly<Record<string, number>> = { "AES-256-GCM": 32, "SM4-GCM": 16 };

async function aes(key: Bytes, use: "encrypt" | "decrypt"): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", key, "AES-GCM", false, [use]);
}

/** Seals `plain`; the cipher follows from the key's length. */
export async function sealParcel({ id, key }: SealKey, associatedData: string, plain: Bytes): Promise<Parcel> {
  const [nonce, additionalData] = [crypto.getRandomValues(new Uint8Array(12)), utf8(associatedData)];
  const algorithm = key.length === 16 ? "SM4-GCM" : "AES-256-GCM";
  const ciphertext =
    algorithm === "SM4-GCM"
      ? sealSm4Gcm(key, nonce, plain, additionalData)
      : new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv: nonce, additionalData }, await aes(key, "encrypt"), plain));
  return { algorithm, key_id: id, nonce: toBase64(nonce), associated_data: associatedData, ciphertext: toBase64(ciphertext) };
}

/** What was sealed under `key`, if it belongs to `associatedData` and nothing was changed; otherwise `null`. */
export async function openParcel(key: Bytes, parcel: Parcel, associatedData: string): Promise<Bytes | null> {
  const [nonce, sealed] = [fromBase64(parcel.nonce), fromBase64(parcel.ciphertext)];
  if (KEY_LENGTH[parcel.algorithm] !== key.length || parcel.associated_data !== associatedData || nonce?.length !== 12 || sealed === null) return null;
  const additionalData = utf8(associatedData);
  if (parcel.algorithm === "SM4-GCM") return openSm4Gcm(key, nonce, sealed, additionalData);
  try {
    return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv: nonce, additionalData }, await aes(key, "decrypt"), sealed));
  } catch {
    return null;
  }
}
