// SM4 (GB/T 32907-2016) and SM4-GCM (RFC 8998). Web Crypto has none.
//
// The substitution table is looked up in memory, so this is not constant-time against who runs code on the
// same machine.

import { type Bytes, concat, fromHex, same, toNumber } from "./bytes.js";

const SBOX = fromHex(
  "d690e9fecce13db716b614c228fb2c052b679a762abe04c3aa441326498606999c4250f491ef987a33540b43edcfac62" +
    "e4b31ca9c908e89580df94fa758f3fa64707a7fcf37317ba83593c19e6854fa8686b81b27164da8bf8eb0f4b70569d35" +
    "1e240e5e6358d1a225227c3b01217887d40046579fd327524c3602e7a0c4c89eeabf8ad240c738b5a3f7f2cef96115a1" +
    "e0ae5da49b341a55ad933230f58cb1e31df6e22e8266ca60c02923ab0d534e6fd5db3745defd8e2f03ff6a726d6c5b51" +
    "8d1baf92bbddbc7f11d95c411f105ad80ac13188a5cd7bbd2d74d012b8e5b4b08969974a0c96777e65b9f109c56ec684" +
    "18f07dec3adc4d2079ee5f3ed7cb3948",
);
const SYSTEM = [0xa3b1bac6, 0x56aa3350, 0x677d9197, 0xb27022dc];
const TAG_LENGTH = 16;
const NONCE_LENGTH = 12;
/** The polynomial of GCM's field, as the bits of a block stand. */
const REDUCTION = 0xe1n << 120n;

const rotate = (value: number, by: number): number => (value << by) | (value >>> (32 - by));

/** The substitution of each byte of a word. */
function substitute(word: number): number {
  let out = 0;
  for (let shift = 24; shift >= 0; shift -= 8) out |= (SBOX[(word >>> shift) & 255] as number) << shift;
  return out;
}

/** The 32 round keys of a key of 16 bytes. */
function expand(key: Uint8Array): Int32Array {
  const view = new DataView(key.buffer, key.byteOffset, 16);
  const words = SYSTEM.map((system, i) => view.getInt32(4 * i) ^ system);
  for (let i = 0; i < 32; i++) {
    let constant = 0;
    for (let j = 0; j < 4; j++) constant = (constant << 8) | (((4 * i + j) * 7) & 255);
    const [a, b, c, d] = words.slice(i) as [number, number, number, number];
    const mixed = substitute(b ^ c ^ d ^ constant);
    words.push(a ^ mixed ^ rotate(mixed, 13) ^ rotate(mixed, 23));
  }
  return Int32Array.from(words.slice(4));
}

function encryptBlock(keys: Int32Array, block: Uint8Array): Bytes {
  const view = new DataView(block.buffer, block.byteOffset, 16);
  let [a, b, c, d] = [0, 4, 8, 12].map((at) => view.getInt32(at)) as [number, number, number, number];
  for (const key of keys) {
    const mixed = substitute(b ^ c ^ d ^ key);
    const next = a ^ mixed ^ rotate(mixed, 2) ^ rotate(mixed, 10) ^ rotate(mixed, 18) ^ rotate(mixed, 24);
    [a, b, c, d] = [b, c, d, next];
  }
  const out = new Uint8Array(16);
  const to = new DataView(out.buffer);
  [d, c, b, a].forEach((word, i) => to.setInt32(4 * i, word));
  return out;
}

/** Multiplies two blocks in GCM's field. */
function multiply(x: bigint, y: bigint): bigint {
  let [product, step] = [0n, y];
  for (let bit = 127n; bit >= 0n; bit--) {
    if ((x >> bit) & 1n) product ^= step;
    step = step & 1n ? (step >> 1n) ^ REDUCTION : step >> 1n;
  }
  return product;
}

function authenticate(h: bigint, associated: Uint8Array, ciphertext: Uint8Array): bigint {
  const lengths = new Uint8Array(16);
  new DataView(lengths.buffer).setBigUint64(0, 8n * BigInt(associated.length));
  new DataView(lengths.buffer).setBigUint64(8, 8n * BigInt(ciphertext.length));
  let state = 0n;
  for (const part of [associated, ciphertext, lengths]) {
    for (let at = 0; at < part.length; at += 16) {
      const block = new Uint8Array(16);
      block.set(part.subarray(at, at + 16));
      state = multiply(state ^ toNumber(block), h);
    }
  }
  return state;
}

/** The key stream's block number `count`; number 1 masks the tag, the data begins with 2. */
function stream(keys: Int32Array, nonce: Uint8Array, count: number): Bytes {
  const counter = new Uint8Array(4);
  new DataView(counter.buffer).setUint32(0, count);
  return encryptBlock(keys, concat(nonce, counter));
}

function mask(keys: Int32Array, nonce: Uint8Array, data: Uint8Array): Bytes {
  const out = new Uint8Array(data);
  for (let at = 0; at < out.length; at += 16) {
    const block = stream(keys, nonce, 2 + at / 16);
    for (let i = 0; i < 16 && at + i < out.length; i++) out[at + i] = (out[at + i] as number) ^ (block[i] as number);
  }
  return out;
}

function tagOf(keys: Int32Array, nonce: Uint8Array, associated: Uint8Array, ciphertext: Uint8Array): Bytes {
  const h = toNumber(encryptBlock(keys, new Uint8Array(16)));
  const tag = authenticate(h, associated, ciphertext) ^ toNumber(stream(keys, nonce, 1));
  return fromHex(tag.toString(16).padStart(32, "0"));
}

function check(key: Uint8Array, nonce: Uint8Array): void {
  if (key.length !== 16 || nonce.length !== NONCE_LENGTH) throw new RangeError("SM4-GCM takes a key of 16 bytes and a nonce of 12");
}

/** The ciphertext of `plain` with its tag after it. Never use a nonce twice with one key. */
export function sealSm4Gcm(key: Uint8Array, nonce: Uint8Array, plain: Uint8Array, associated: Uint8Array): Bytes {
  check(key, nonce);
  const keys = expand(key);
  const ciphertext = mask(keys, nonce, plain);
  return concat(ciphertext, tagOf(keys, nonce, associated, ciphertext));
}

/** What was sealed, or `null` if anything differs. */
export function openSm4Gcm(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array, associated: Uint8Array): Bytes | null {
  check(key, nonce);
  if (sealed.length < TAG_LENGTH) return null;
  const keys = expand(key);
  const ciphertext = sealed.slice(0, -TAG_LENGTH);
  if (!same(tagOf(keys, nonce, associated, ciphertext), sealed.slice(-TAG_LENGTH))) return null;
  return mask(keys, nonce, ciphertext);
}
