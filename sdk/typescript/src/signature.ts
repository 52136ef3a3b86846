// Signatures on HTTP: requests in one header, answers and deliveries in five. The bytes are signed as they
// travel, never as parsed JSON. The format is docs/guides/signing-requests.md.

import { type Bytes, concat, fromBase64, toBase64, toHex, utf8 } from "./bytes.js";
import type { PublicKey, SigningKey } from "./keys.js";

/** Seconds that a timestamp may lie before or after ours. */
export const WINDOW_S = 300;

/** How a header is looked up by its name in lower case. */
export type Lookup = (name: string) => string | null | undefined;

/** The text that a request's signature covers. `target` is the path with its query, as sent. */
export function requestText(method: string, target: string, timestamp: number, nonce: string, body: Bytes): Bytes {
  return concat(utf8(`${method}\n${target}\n${timestamp}\n${nonce}\n`), body, utf8("\n"));
}

/** The text that the signature of an answer or a delivery covers. */
export function answerText(timestamp: string, nonce: string, body: Bytes): Bytes {
  return concat(utf8(`${timestamp}\n${nonce}\n`), body, utf8("\n"));
}

/** 128 random bits in hexadecimal. */
export function makeNonce(): string {
  return toHex(crypto.getRandomValues(new Uint8Array(16)));
}

/** A request to sign. */
export interface Unsigned {
  readonly mchid: string;
  readonly method: string;
  readonly target: string;
  readonly body: Bytes;
  /** Unix seconds. */
  readonly timestamp: number;
  /** Fresh unless given. */
  readonly nonce?: string;
}

/** The value of the `Authorization` header. */
export async function authorize(key: SigningKey, { mchid, method, target, body, timestamp, nonce = makeNonce() }: Unsigned): Promise<string> {
  const signature = toBase64(await key.sign(requestText(method, target, timestamp, nonce, body)));
  return `JIALING1-${key.suite} mchid="${mchid}",serial_no="${key.serial}",timestamp="${timestamp}",nonce_str="${nonce}",signature="${signature}"`;
}

/** Why an answer's or a delivery's signature is not accepted. */
export type SignatureFault = "unsigned" | "bad_signature" | "unknown_key" | "stale";

/** Checks the five headers over `body` as received at `now` (Unix seconds); `null` when all is well. */
export async function checkAnswer(header: Lookup, body: Bytes, keys: readonly PublicKey[], now: number, windowS = WINDOW_S): Promise<SignatureFault | null> {
  const [timestamp, nonce, serial, signature, suite] = ["timestamp", "nonce", "serial", "signature", "signature-type"].map((name) => header(`jialing-${name}`));
  if (signature === null || signature === undefined) return "unsigned";
  const bytes = fromBase64(signature);
  if (!timestamp || !nonce || !serial || bytes === null || !/^[1-9][0-9]{0,11}$/.test(timestamp)) return "bad_signature";
  const key = keys.find((one) => one.serial === serial);
  if (key === undefined) return "unknown_key";
  if (suite !== key.suite || !(await key.verify(answerText(timestamp, nonce, body), bytes))) return "bad_signature";
  return Math.abs(now - Number(timestamp)) <= windowS ? null : "stale";
}
