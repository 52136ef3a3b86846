// The TypeScript client's verifier (../sdk) as the proofs of supply use it: SHA-256 and Ed25519.

import * as sdk from "../sdk/offline.js";

export { idDigits, toHex } from "../sdk/offline.js";

export function fromBase64(value) {
  return sdk.fromBase64(value) ?? refuse("it is not base64");
}

function refuse(why) {
  throw new sdk.NotProven(why);
}

export const sameBytes = (a, b) => a !== null && b !== null && sdk.toHex(a) === sdk.toHex(b);

export const leafHash = (record) => sdk.leafHash("SHA-256", record);

/** The root that `path` leads to, or null if the path does not fit. */
export async function rootFromPath(leaf, index, size, path) {
  return orElse(null, () => sdk.rootFromPath("SHA-256", leaf, BigInt(index), BigInt(size), path));
}

/** Reads a checkpoint, unverified. */
export function parseCheckpoint(note) {
  const { origin, size, root } = sdk.parseCheckpoint(sdk.parseNote(note).text);
  return { origin, size: Number(size), root, note };
}

/** Whether the holder of `vkey` signed the checkpoint. */
export async function isSigned(checkpoint, vkey) {
  return orElse(false, async () => Boolean(await sdk.openNote(checkpoint.note, await sdk.parseKey(vkey))));
}

/** What `check` answers, or `otherwise` if it refuses; another fault stays one. */
async function orElse(otherwise, check) {
  try {
    return await check();
  } catch (error) {
    if (error instanceof sdk.NotProven) return otherwise;
    throw error;
  }
}
