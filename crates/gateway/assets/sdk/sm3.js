// SM3, GB/T 32905-2016. Web Crypto has none.
import { concat } from "./bytes.js";
const IV = [0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600, 0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e];
const rotate = (value, by) => (value << (by & 31)) | (value >>> ((32 - by) & 31));
const p0 = (x) => x ^ rotate(x, 9) ^ rotate(x, 17);
const p1 = (x) => x ^ rotate(x, 15) ^ rotate(x, 23);
function compress(state, block, at) {
    const w = new Int32Array(68);
    for (let j = 0; j < 16; j++)
        w[j] = block.getInt32(at + 4 * j);
    const word = (j) => w[j];
    for (let j = 16; j < 68; j++) {
        w[j] = p1(word(j - 16) ^ word(j - 9) ^ rotate(word(j - 3), 15)) ^ rotate(word(j - 13), 7) ^ word(j - 6);
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let j = 0; j < 64; j++) {
        const first = j < 16;
        const ss1 = rotate((rotate(a, 12) + e + rotate(first ? 0x79cc4519 : 0x7a879d8a, j)) | 0, 7);
        const ss2 = ss1 ^ rotate(a, 12);
        const ff = first ? a ^ b ^ c : (a & b) | (a & c) | (b & c);
        const gg = first ? e ^ f ^ g : (e & f) | (~e & g);
        const tt1 = (ff + d + ss2 + (word(j) ^ word(j + 4))) | 0;
        const tt2 = (gg + h + ss1 + word(j)) | 0;
        [a, b, c, d, e, f, g, h] = [tt1, a, rotate(b, 9), c, p0(tt2), e, rotate(f, 19), g];
    }
    [a, b, c, d, e, f, g, h].forEach((value, i) => {
        state[i] = state[i] ^ value;
    });
}
/** The digest of `message`, 32 bytes. */
export function sm3(message) {
    const length = new Uint8Array(8);
    new DataView(length.buffer).setBigUint64(0, 8n * BigInt(message.length));
    const zeros = new Uint8Array((((55 - message.length) % 64) + 64) % 64);
    const padded = concat(message, Uint8Array.of(0x80), zeros, length);
    const state = Int32Array.from(IV);
    const view = new DataView(padded.buffer);
    for (let at = 0; at < padded.length; at += 64)
        compress(state, view, at);
    const digest = new Uint8Array(32);
    const out = new DataView(digest.buffer);
    state.forEach((value, i) => out.setInt32(4 * i, value));
    return digest;
}
