// Proofs about a Merkle tree (RFC 6962, RFC 9162), under either hash.
import { concat, same } from "./bytes.js";
import { sm3 } from "./sm3.js";
/** A proof does not show what it should, and why. */
export class NotProven extends Error {
    name = "NotProven";
}
export function ensure(holds, otherwise) {
    if (!holds)
        throw new NotProven(otherwise);
}
export async function digest(hashing, ...parts) {
    const whole = concat(...parts);
    return hashing === "SM3" ? sm3(whole) : new Uint8Array(await crypto.subtle.digest("SHA-256", whole));
}
/** The leaf of a record: the hash of a zero byte and the record. */
export const leafHash = (hashing, record) => digest(hashing, Uint8Array.of(0), record);
/** The parent of two nodes: the hash of a one byte and both. */
export const nodeHash = (hashing, left, right) => digest(hashing, Uint8Array.of(1), left, right);
/** The root that `path` leads to from leaf `index` of `size` (RFC 9162, 2.1.3.2). */
export async function rootFromPath(hashing, leaf, index, size, path) {
    ensure(index >= 0n && index < size, "the index is outside the tree");
    let [node, last, hash] = [index, size - 1n, leaf];
    for (const step of path) {
        ensure(last !== 0n, "the path is too long");
        if ((node & 1n) === 1n || node === last) {
            hash = await nodeHash(hashing, step, hash);
            while ((node & 1n) === 0n && node !== 0n)
                [node, last] = [node >> 1n, last >> 1n];
        }
        else {
            hash = await nodeHash(hashing, hash, step);
        }
        [node, last] = [node >> 1n, last >> 1n];
    }
    ensure(last === 0n, "the path is too short");
    return hash;
}
/** Checks that the tree of `second` records only adds to that of `first` (RFC 9162, 2.1.4.2). */
export async function verifyConsistency(hashing, first, second, proof, firstRoot, secondRoot) {
    ensure(first <= second, `the log went back from ${first} to ${second} records`);
    if (first === 0n) {
        ensure(proof.length === 0, "a proof where none belongs");
        return ensure(same(firstRoot, await digest(hashing)), "the root of no records is another");
    }
    if (first === second) {
        ensure(proof.length === 0, "a proof where none belongs");
        return ensure(same(firstRoot, secondRoot), `two roots for the same ${first} records: a fork`);
    }
    const nodes = (first & (first - 1n)) === 0n ? [firstRoot, ...proof] : [...proof];
    const seed = nodes.shift();
    ensure(seed !== undefined, "the proof is too short");
    let [node, last, older, newer] = [first - 1n, second - 1n, seed, seed];
    while ((node & 1n) === 1n)
        [node, last] = [node >> 1n, last >> 1n];
    for (const step of nodes) {
        ensure(last !== 0n, "the proof is too long");
        if ((node & 1n) === 1n || node === last) {
            [older, newer] = [await nodeHash(hashing, step, older), await nodeHash(hashing, step, newer)];
            while ((node & 1n) === 0n && node !== 0n)
                [node, last] = [node >> 1n, last >> 1n];
        }
        else {
            newer = await nodeHash(hashing, newer, step);
        }
        [node, last] = [node >> 1n, last >> 1n];
    }
    ensure(last === 0n, "the proof is too short");
    ensure(same(older, firstRoot) && same(newer, secondRoot), "the log was rewritten: the older root is not in the newer");
}
