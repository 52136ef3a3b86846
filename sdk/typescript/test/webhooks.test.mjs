// Deliveries: the vectors that every client is tested with, and the receiver for Node.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { Newest, PublicKey, Receiver, Refused, signStandard } from "../dist/index.js";
import { MAX_BODY, receive } from "../dist/node.js";

const vectors = JSON.parse(await readFile(new URL("../../../tests/vectors/webhooks.json", import.meta.url), "utf8"));
const platformKeys = await Promise.all(vectors.platform_keys.map((key) => PublicKey.read(key.public_key)));
const now = () => 1000 * vectors.now;
const everything = { secret: vectors.secrets, apiKeys: vectors.api_keys, platformKeys, now };
const named = (name) => vectors.deliveries.find((one) => one.name === name);

/** The reason for which a delivery is refused; `null` when it is not. */
async function refusal(options, { headers, body }) {
  try {
    await new Receiver(options).open(headers, body);
    return null;
  } catch (error) {
    assert.ok(error instanceof Refused, String(error));
    return error.code;
  }
}

test("deliveries of the vectors are opened, and the others refused for their reason", async () => {
  assert.ok(vectors.deliveries.length >= 13 && vectors.refused.length >= 26);
  for (const one of vectors.deliveries) {
    const expect = one.href ? { ...vectors.event, resource: null, href: one.href } : vectors.event;
    assert.deepEqual(await new Receiver(everything).open(one.headers, one.body), expect, one.name);
    assert.deepEqual(await new Receiver(everything).open(new Headers(one.headers), new TextEncoder().encode(one.body)), expect, one.name);
  }
  for (const one of vectors.refused) assert.equal(await refusal(everything, one), one.why, one.name);
});

test("a receiver believes what it has a key for and nothing else", async () => {
  const alone = { secret: vectors.secrets[0], apiKeys: vectors.api_keys, now };
  assert.equal(await refusal(alone, named("as sent, SM2 and SM4-GCM")), null);
  assert.equal(await refusal(alone, named("the platform's own form alone")), "unsigned");
  assert.equal(await refusal(alone, named("v1a alone")), "unsigned");
  assert.equal(await refusal({ ...alone, windowS: 299 }, named("as old as it may be")), "stale");
  assert.equal(await refusal({ ...alone, apiKeys: [] }, named("as sent, SM2 and SM4-GCM")), "does_not_open");
  assert.equal(await refusal({ now }, named("as sent, SM2 and SM4-GCM")), "unsigned");
  assert.equal(await refusal({ apiKeys: vectors.api_keys, platformKeys, now }, named("to an order's notify_url, which has no secret")), null);
  for (const secret of ["", "whsec_", "whsec_!", "whsec_c2hvcnQ="]) assert.throws(() => new Receiver({ secret }), RangeError, secret);
  assert.throws(() => new Receiver({ apiKeys: [{ id: "apk_1", key: "c2hvcnQ=" }] }), RangeError);
});

test("of two versions of an object the higher is newer in whatever order they come", () => {
  const newest = new Newest();
  const check = (object, version, expect) => assert.equal(newest.take(object, version), expect, `${object} ${version}`);
  check("ord_1", 2, true);
  check("ord_1", 1, false);
  check("ord_1", 2, false);
  check("ord_2", 1, true);
  check("ord_1", 3, true);
});

test("the receiver for Node takes an event once, and says so to the platform", async () => {
  const taken = [];
  const server = await receive(everything, (notice) => void taken.push(notice.id));
  const send = async ({ headers, body }, method = "POST") => {
    const answer = await fetch(server.url, { method, headers, ...(method === "POST" ? { body } : {}) });
    return [answer.status, await answer.text()];
  };
  try {
    const one = named("as sent, Ed25519 and AES-256-GCM");
    assert.deepEqual(await send(one), [200, "taken"]);
    assert.deepEqual(await send(one), [200, "seen before"]);
    assert.deepEqual(taken, [vectors.event.id]);
    assert.deepEqual(await server.next(), vectors.event);
    assert.deepEqual(await send({ headers: one.headers, body: `${one.body} ` }), [400, "bad_signature"]);
    assert.deepEqual(await send({ headers: {}, body: "x".repeat(MAX_BODY + 1) }), [413, "body_too_large"]);
    assert.deepEqual(await send({ headers: {} }, "GET"), [405, "method_not_allowed"]);
  } finally {
    await server.close();
  }
});

test("an event whose handling fails is asked for again, and waiting for one ends when it comes", async () => {
  let fails = true;
  const server = await receive(everything, () => {
    if (fails) throw new Error("the database is away");
  });
  try {
    const { headers, body } = named("as sent, SM2 and SM4-GCM");
    const send = async () => (await fetch(server.url, { method: "POST", headers, body })).status;
    const waiting = server.next();
    assert.equal(await send(), 500);
    fails = false;
    assert.equal(await send(), 200);
    assert.equal((await waiting).id, vectors.event.id);
  } finally {
    await server.close();
  }
});

test("a test of your own receiver can sign as the platform does", async () => {
  const { headers, body } = named("v1 alone");
  const at = Number(headers["webhook-timestamp"]);
  assert.equal(await signStandard(vectors.secrets[0], vectors.event.id, at, new TextEncoder().encode(body)), headers["webhook-signature"]);
});
