// SM3 and SM2 against the examples of their standards, and the tree against RFC 6962's.

import assert from "node:assert/strict";
import { test } from "node:test";

import { leafHash, nodeHash, sm3, toHex, verifySm2 } from "../dist/index.js";

const utf8 = (text) => new TextEncoder().encode(text);
const hex = (text) => Uint8Array.from(text.match(/../g) ?? [], (byte) => parseInt(byte, 16));

test("SM3 gives the digests of GB/T 32905, appendix A", () => {
  const check = (message, digest) => assert.equal(toHex(sm3(utf8(message))), digest);
  check("abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");
  check("abcd".repeat(16), "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732");
  // Of OpenSSL: the lengths around a block's end.
  check("", "1ab21d8355cfa17f8e61194831e81a8f22bec8c728fefb747ed035eb5082aa2b");
});

test("SM2 accepts the signature of GB/T 32918.5, appendix A, and no change of it", () => {
  const key = hex("0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13");
  const signature = hex("f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa");
  const message = utf8("message digest");
  const changed = (bytes, at) => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));
  const check = (key, message, signature, expect) => assert.equal(verifySm2(key, message, signature), expect);
  check(key, message, signature, true);
  check(key, utf8("message digesu"), signature, false);
  for (const at of [0, 31, 32, 63]) check(key, message, changed(signature, at), false);
  for (const at of [0, 1, 64]) check(changed(key, at), message, signature, false);
  check(key.slice(1), message, signature, false);
  check(key, message, signature.slice(1), false);
  check(key, message, new Uint8Array(64), false);
  check(key, message, new Uint8Array(64).fill(255), false);
  assert.equal(verifySm2(key, message, signature, "another user id."), false);
});

test("the tree is that of RFC 6962, as Certificate Transparency's examples have it", async () => {
  const leaves = ["", "00", "10", "2021"];
  const hashes = await Promise.all(leaves.map((leaf) => leafHash("SHA-256", hex(leaf))));
  assert.equal(toHex(hashes[0]), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
  const left = await nodeHash("SHA-256", hashes[0], hashes[1]);
  assert.equal(toHex(left), "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125");
  const root = await nodeHash("SHA-256", left, await nodeHash("SHA-256", hashes[2], hashes[3]));
  assert.equal(toHex(root), "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7");
});
