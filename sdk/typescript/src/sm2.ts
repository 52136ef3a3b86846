// SM2 signatures, GB/T 32918.2-2016 on the curve of GB/T 32918.5-2017.
//
// Signing works with big integers of the language, whose time depends on their value: whoever can measure
// it closely, such as other programs on the same machine, may learn something of the key. The nonce is
// blinded against the simplest of that. Where that matters, sign in a device made for it.

import { type Bytes, concat, to32Bytes, toNumber, utf8 } from "./bytes.js";
import { sm3 } from "./sm3.js";

const P = 0xfffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffffn;
const A = P - 3n;
const B = 0x28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93n;
const N = 0xfffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123n;
const GX = 0x32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7n;
const GY = 0xbc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0n;

/** The user id that signatures are bound to where none was agreed on. */
export const USER_ID = "1234567812345678";

function mod(value: bigint): bigint {
  const rest = value % P;
  return rest < 0n ? rest + P : rest;
}

/** A point in Jacobian coordinates; z = 0 is the point at infinity. */
type Point = readonly [x: bigint, y: bigint, z: bigint];

const INFINITY: Point = [1n, 1n, 0n];

function double([x, y, z]: Point): Point {
  if (z === 0n || y === 0n) return INFINITY;
  const yy = mod(y * y);
  const s = mod(4n * x * yy);
  const m = mod(3n * x * x + A * mod(z * z) ** 2n);
  const x3 = mod(m * m - 2n * s);
  return [x3, mod(m * (s - x3) - 8n * yy * yy), mod(2n * y * z)];
}

function add(p: Point, q: Point): Point {
  if (p[2] === 0n) return q;
  if (q[2] === 0n) return p;
  const pz = mod(p[2] * p[2]);
  const qz = mod(q[2] * q[2]);
  const [u1, u2] = [mod(p[0] * qz), mod(q[0] * pz)];
  const [s1, s2] = [mod(p[1] * qz * q[2]), mod(q[1] * pz * p[2])];
  if (u1 === u2) return s1 === s2 ? double(p) : INFINITY;
  const h = mod(u2 - u1);
  const r = mod(s2 - s1);
  const hh = mod(h * h);
  const v = mod(u1 * hh);
  const x3 = mod(r * r - h * hh - 2n * v);
  return [x3, mod(r * (v - x3) - s1 * h * hh), mod(h * p[2] * q[2])];
}

function times(scalar: bigint, point: Point): Point {
  let total = INFINITY;
  for (let rest = scalar, step = point; rest > 0n; rest >>= 1n, step = double(step)) {
    if ((rest & 1n) === 1n) total = add(total, step);
  }
  return total;
}

/** Two multiplications in one walk: for what is public. */
function timesBoth(s: bigint, p: Point, t: bigint, q: Point): Point {
  const either: readonly Point[] = [INFINITY, p, q, add(p, q)];
  let total = INFINITY;
  for (let bit = 255n; bit >= 0n; bit--) {
    const which = Number(((s >> bit) & 1n) | (((t >> bit) & 1n) << 1n));
    total = double(total);
    if (which !== 0) total = add(total, either[which] as Point);
  }
  return total;
}

function inverse(value: bigint): bigint {
  let [result, base] = [1n, mod(value)];
  for (let power = P - 2n; power > 0n; power >>= 1n, base = mod(base * base)) {
    if ((power & 1n) === 1n) result = mod(result * base);
  }
  return result;
}

const BASE: Point = [GX, GY, 1n];

/** The affine coordinates of a point that is not at infinity. */
function affine([px, py, pz]: Point): readonly [x: bigint, y: bigint] {
  const inverted = inverse(pz);
  const squared = mod(inverted * inverted);
  return [mod(px * squared), mod(py * squared * inverted)];
}

/** The number that is signed: the digest of who signs, by user id and key, and of the message. */
function digestOf(x: bigint, y: bigint, message: Uint8Array, userId: string): bigint {
  const id = utf8(userId);
  const bits = Uint8Array.of((8 * id.length) >> 8, (8 * id.length) & 255);
  const z = sm3(concat(bits, id, ...[A, B, GX, GY, x, y].map(to32Bytes)));
  return toNumber(sm3(concat(z, message)));
}

/** Whether `signature` (r and s, 32 bytes each) signs `message` under `key` (0x04, x, y: 65 bytes). */
export function verifySm2(key: Uint8Array, message: Uint8Array, signature: Uint8Array, userId = USER_ID): boolean {
  if (!isPoint(key) || signature.length !== 64) return false;
  const [x, y] = [toNumber(key.slice(1, 33)), toNumber(key.slice(33))];
  const [r, s] = [toNumber(signature.slice(0, 32)), toNumber(signature.slice(32))];
  const t = (r + s) % N;
  if (r === 0n || r >= N || s === 0n || s >= N || t === 0n) return false;
  const point = timesBoth(s, BASE, t, [x, y, 1n]);
  if (point[2] === 0n) return false;
  return (digestOf(x, y, message, userId) + affine(point)[0]) % N === r;
}

/** Whether `key` is an uncompressed point on the curve. */
export function isPoint(key: Uint8Array): boolean {
  if (key.length !== 65 || key[0] !== 4) return false;
  const [x, y] = [toNumber(key.slice(1, 33)), toNumber(key.slice(33))];
  return x < P && y < P && mod(y * y - (x * x * x + A * x + B)) === 0n;
}

/** The public point (0x04, x, y) of a secret of 32 bytes; `null` for a secret out of range. */
export function publicSm2(secret: Uint8Array): Bytes | null {
  const d = toNumber(secret);
  if (secret.length !== 32 || d === 0n || d >= N - 1n) return null;
  return concat(Uint8Array.of(4), ...affine(times(d, BASE)).map(to32Bytes));
}

/** A number from 1 to N - 1, each equally likely. */
function chance(): bigint {
  for (;;) {
    const k = toNumber(crypto.getRandomValues(new Uint8Array(32)));
    if (k > 0n && k < N) return k;
  }
}

/** The inverse of a number that is not zero, modulo the prime N. */
function inverseOfScalar(value: bigint): bigint {
  let [result, base] = [1n, value % N];
  for (let power = N - 2n; power > 0n; power >>= 1n, base = (base * base) % N) {
    if ((power & 1n) === 1n) result = (result * base) % N;
  }
  return result;
}

/**
 * Signs `message` with a secret of 32 bytes: r and s, 32 bytes each. `key` is its public point, made anew unless
 * given; `draw` gives the nonces: leave it out.
 */
export function signSm2(secret: Uint8Array, message: Uint8Array, userId = USER_ID, key: Uint8Array | null = publicSm2(secret), draw: () => bigint = chance): Bytes {
  if (key === null) throw new RangeError("not an SM2 secret key");
  const d = toNumber(secret);
  const e = digestOf(toNumber(key.slice(1, 33)), toNumber(key.slice(33)), message, userId);
  for (;;) {
    const k = draw();
    // A multiple of the group's order changes the steps that are taken, and not where they lead.
    const x = affine(times(k + N * (1n + (chance() >> 192n)), BASE))[0];
    const r = (e + x) % N;
    if (r === 0n || r + k === N) continue;
    const s = (inverseOfScalar(1n + d) * (((k - r * d) % N) + N)) % N;
    if (s !== 0n) return concat(to32Bytes(r), to32Bytes(s));
  }
}
