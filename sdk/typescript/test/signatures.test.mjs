// Keys, signed requests, answers and sealed parts: the vectors that every client is tested with.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { authorize, BadKey, checkAnswer, fromBase64, isPoint, openParcel, openSm4Gcm, publicSm2, PublicKey, requestText, sealParcel, sealSm4Gcm, SigningKey, signSm2, sm3, toBase64, toHex, verifySm2 } from "../dist/index.js";

const read = async (name) => JSON.parse(await readFile(new URL(`../../../tests/vectors/${name}.json`, import.meta.url), "utf8"));
const vectors = await read("signatures");
const parcels = await read("parcels");
const bytes = (text) => new TextEncoder().encode(text);
const hex = (text) => Uint8Array.from(text.match(/../g), (digits) => parseInt(digits, 16));
const NOW = vectors.requests[0].timestamp;

const secret = {};
const platform = [];
for (const [suite, key] of Object.entries(vectors.keys)) {
  secret[suite] = await SigningKey.read(key.private_key);
  platform.push(await PublicKey.read(key.public_key));
}

/** What an `Authorization` header says. */
function parse(header) {
  const [, suite, rest] = /^JIALING1-(\S+) (.*)$/.exec(header);
  return { suite, ...Object.fromEntries([...rest.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value])) };
}

/** As the platform checks a request. */
async function holds({ authorization, method, target, body }) {
  const { suite, serial_no, timestamp, nonce_str, signature } = parse(authorization);
  const key = platform.find((one) => one.serial === serial_no);
  const raw = fromBase64(signature);
  return raw !== null && key.suite === suite && key.verify(requestText(method, target, Number(timestamp), nonce_str, bytes(body)), raw);
}

test("a key's serial and suite are those it is registered under", () => {
  assert.deepEqual(Object.keys(secret).sort(), ["ED25519", "SHA256-RSA2048", "SM2-WITH-SM3"]);
  for (const [suite, key] of Object.entries(vectors.keys)) {
    assert.deepEqual([secret[suite].suite, secret[suite].serial], [suite, key.serial_no]);
    assert.ok(platform.some((one) => one.suite === suite && one.serial === key.serial_no));
  }
});

test("the signed requests of the vectors hold, and the others do not", async () => {
  assert.ok(vectors.requests.length >= 12 && vectors.refused_requests.length >= 28);
  for (const one of vectors.requests) {
    assert.equal(new TextDecoder().decode(requestText(one.method, one.target, one.timestamp, one.nonce, bytes(one.body))), one.text);
    assert.equal(await holds(one), true, one.authorization);
  }
  for (const one of vectors.refused_requests) assert.equal(await holds(one), false, `${one.suite}: ${one.why}`);
});

test("a suite without chance signs as the vectors do, and SM2 so that it verifies", async () => {
  for (const { suite, mchid, method, target, timestamp, nonce, body, authorization } of vectors.requests) {
    const made = await authorize(secret[suite], { mchid, method, target, timestamp, nonce, body: bytes(body) });
    if (suite === "SM2-WITH-SM3") assert.equal(await holds({ authorization: made, method, target, body }), true);
    else assert.equal(made, authorization);
  }
});

test("the signature of the SM2 standard comes out under its nonce", () => {
  const { private: d, public: point, message, k, signature } = vectors.sm2_standard;
  assert.equal(toHex(publicSm2(hex(d))), point);
  assert.equal(toHex(signSm2(hex(d), bytes(message), undefined, undefined, () => BigInt(`0x${k}`))), signature);
  assert.ok(verifySm2(hex(point), bytes(message), hex(signature)));
  assert.notEqual(toHex(signSm2(hex(d), bytes(message))), toHex(signSm2(hex(d), bytes(message))));
  for (const bad of ["00".repeat(32), "ff".repeat(32), "01"]) assert.equal(publicSm2(hex(bad)), null, bad);
  assert.equal(isPoint(hex(`04${"01".repeat(64)}`)), false);
});

test("the signed answers of the vectors hold, and the others do not", async () => {
  const check = (one, now = NOW) => checkAnswer((name) => one.headers[name], bytes(one.body), platform, now);
  assert.ok(vectors.answers.length >= 9 && vectors.refused_answers.length >= 21);
  for (const one of vectors.answers) {
    assert.equal(await check(one), null, one.text);
    assert.equal(await check(one, NOW + 300), null);
    assert.equal(await check(one, NOW + 301), "stale");
    assert.equal(await check({ ...one, headers: {} }), "unsigned");
  }
  for (const one of vectors.refused_answers) {
    assert.equal(await check(one), one.why === "a key that is not the platform's" ? "unknown_key" : "bad_signature", `${one.suite}: ${one.why}`);
  }
});

test("what is no key of a known suite is refused", async () => {
  const { private_key: pem, public_key: spki } = vectors.keys.ED25519;
  for (const bad of ["", "x", spki, pem.replace("PRIVATE", "PUBLIC"), pem.replace("MC4C", "MC4D"), pem.slice(0, 60)]) {
    await assert.rejects(SigningKey.read(bad), BadKey, bad.slice(0, 30));
  }
  for (const bad of ["", "AAAA", pem, spki.slice(4), toBase64(fromBase64(spki).slice(0, -1))]) await assert.rejects(PublicKey.read(bad), BadKey, bad.slice(0, 30));
});

test("the parcels of the vectors open, and the others do not", async () => {
  assert.ok(parcels.parcels.length >= 8 && parcels.refused.length >= 18);
  for (const { key, parcel, plain } of parcels.parcels) {
    const opened = await openParcel(fromBase64(key), parcel, "evt_1");
    assert.equal(new TextDecoder().decode(opened), plain);
    const made = await sealParcel({ id: "key_1", key: fromBase64(key) }, "evt_1", bytes(plain));
    assert.equal(made.algorithm, parcel.algorithm);
    assert.equal(new TextDecoder().decode(await openParcel(fromBase64(key), made, "evt_1")), plain);
  }
  for (const { key, parcel, associated_data: place, why } of parcels.refused) {
    assert.equal(await openParcel(fromBase64(key), parcel, place), null, `${parcel.algorithm}: ${why}`);
  }
});

test("SM4-GCM is that of RFC 8998, and SM3 that of the standard", () => {
  const { key, nonce, associated_data: associated, plain, ciphertext } = parcels.sm4_gcm_standard;
  assert.equal(toHex(sealSm4Gcm(hex(key), hex(nonce), hex(plain), hex(associated))), ciphertext);
  assert.equal(toHex(openSm4Gcm(hex(key), hex(nonce), hex(ciphertext), hex(associated))), plain);
  assert.equal(toHex(sm3(bytes("abc"))), "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");
});
