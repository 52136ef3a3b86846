// The client against a platform of few words: it answers as it is told, signed or not, and keeps what it was
// asked.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { after, before, test } from "node:test";

import { answerText, fen, isProblem, makeNonce, Merchant, OutcomeUnknown, Problem, SigningKey, toBase64, toHex, Unacceptable } from "../dist/index.js";

const { keys } = JSON.parse(await readFile(new URL("../../../tests/vectors/signatures.json", import.meta.url), "utf8"));
const platform = await SigningKey.read(keys.ED25519.private_key);
const stranger = await SigningKey.read(keys["SHA256-RSA2048"].private_key);
const ORDER = { id: "ord_1", out_trade_no: "A-1", state: "NOTPAY", amount: fen(1250) };
const ASK = { out_trade_no: "A-1", description: "小面", amount: fen(1250) };

let server;
let asked = [];
let replies = [];

before(async () => {
  server = createServer(async (request, response) => {
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    asked.push({ line: `${request.method} ${request.url}`, headers: request.headers, body: Buffer.concat(pieces).toString() });
    const reply = replies.length > 1 ? replies.shift() : replies[0];
    const { status = 200, body, headers = {}, signer = platform, at = Date.now() } = reply(asked.at(-1)) ?? {};
    if (body === undefined) return request.socket.destroy();
    const text = typeof body === "string" ? body : JSON.stringify(body);
    response.writeHead(status, { ...(signer ? await signed(text, signer, at) : {}), ...headers }).end(text);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
});

after(() => new Promise((resolve) => server.close(resolve)));

async function signed(text, signer, at) {
  const [timestamp, nonce] = [String(Math.floor(at / 1000)), makeNonce()];
  const signature = toBase64(await signer.sign(answerText(timestamp, nonce, new TextEncoder().encode(text))));
  return { "jialing-timestamp": timestamp, "jialing-nonce": nonce, "jialing-serial": signer.serial, "jialing-signature": signature, "jialing-signature-type": signer.suite };
}

const problem = (status, code, more = {}) => ({ status, body: { type: `https://pay.example/docs/errors#${code}`, title: code, status, code, detail: "It is so.", request_id: "req_1", retryable: false, ...more } });

/** A shop at a platform that answers these, the last one for ever. */
async function shop(...answers) {
  asked = [];
  replies = answers.map((one) => (typeof one === "function" ? one : () => one));
  const waits = [];
  const base = `http://127.0.0.1:${server.address().port}`;
  const merchant = await Merchant.connect({ base, mchid: "mch_1", key: keys.ED25519.private_key, platformKeys: [keys.ED25519.public_key], sleep: async (ms) => void waits.push(ms) });
  return { merchant, waits };
}

const lines = () => asked.map((one) => one.line);

test("a signed answer is taken, and a forged, stale or unsigned one is not", async () => {
  const { merchant } = await shop({ status: 201, body: ORDER });
  assert.deepEqual(await merchant.orders.create(ASK), ORDER);
  assert.match(asked[0].headers.authorization, /^JIALING1-ED25519 mchid="mch_1",serial_no="/);
  assert.equal(asked[0].body, JSON.stringify(ASK));
  const check = async (reply, why) => {
    const { merchant: other } = await shop(reply);
    await assert.rejects(other.orders.create(ASK), (error) => error instanceof Unacceptable && why.test(error.why), String(why));
    assert.equal(asked.length, 1, "a lie is not asked for again");
  };
  await check({ body: ORDER, signer: null }, /not signed/);
  await check({ body: ORDER, signer: stranger }, /unknown_key/);
  await check({ body: ORDER, at: Date.now() - 302_000 }, /stale/);
  await check({ body: ORDER, headers: { "jialing-nonce": "another-nonce-of-it" } }, /bad_signature/);
  await check({ body: "not JSON" }, /not JSON/);
  await check({ ...problem(404, "not_found"), signer: null }, /not_found and is not signed/);
  await check({ status: 302, body: "elsewhere", headers: { location: "/v1/elsewhere" } }, /status 302/);
});

test("a problem tells its code, its field and whether it was signed", async () => {
  const { merchant } = await shop(problem(409, "conflict", { field: "amount" }));
  const error = await merchant.orders.create(ASK).catch((caught) => caught);
  assert.ok(isProblem(error) && isProblem(error, "conflict", "not_found") && !isProblem(error, "not_found"));
  assert.deepEqual([error.code, error.status, error.field, error.requestId, error.signed], ["conflict", 409, "amount", "req_1", true]);
  assert.match(error.message, /conflict.*It is so.*POST \/v1\/merchant\/orders.*req_1/);
  const { merchant: other } = await shop({ ...problem(401, "signature_invalid", { verified: { text: "POST" } }), signer: null });
  const refused = await other.orders.get("ord_1").catch((caught) => caught);
  assert.deepEqual([refused.code, refused.signed, refused.body.verified], ["signature_invalid", false, { text: "POST" }]);
});

test("a lost answer is asked for by its number before anything is sent again", async () => {
  const { merchant } = await shop(undefined, { body: ORDER });
  assert.deepEqual(await merchant.orders.create(ASK), ORDER);
  assert.deepEqual(lines(), ["POST /v1/merchant/orders", "GET /v1/merchant/orders/out-trade-no/A-1"]);
});

test("what is not known under its number is sent again, the same and newly signed", async () => {
  const { merchant } = await shop(undefined, problem(404, "not_found"), { status: 201, body: ORDER });
  assert.deepEqual(await merchant.orders.create(ASK), ORDER);
  assert.deepEqual(lines(), ["POST /v1/merchant/orders", "GET /v1/merchant/orders/out-trade-no/A-1", "POST /v1/merchant/orders"]);
  assert.equal(asked[0].body, asked[2].body);
  assert.notEqual(asked[0].headers.authorization, asked[2].headers.authorization);
});

test("another amount under the number is for the platform to refuse", async () => {
  const { merchant } = await shop(undefined, { body: { ...ORDER, amount: fen(1) } }, problem(409, "conflict", { field: "amount" }));
  await assert.rejects(merchant.orders.create(ASK), (error) => isProblem(error, "conflict"));
});

test("an outcome that stays unknown is said to be unknown", async () => {
  const { merchant, waits } = await shop(undefined);
  await assert.rejects(merchant.refunds.request({ out_refund_no: "R-1", order_id: "ord_1", amount: fen(1) }), (error) => error instanceof OutcomeUnknown && /POST \/v1\/merchant\/refunds.*unknown/.test(error.message));
  assert.equal(lines().filter((line) => line === "POST /v1/merchant/refunds").length, 4);
  assert.ok(waits.length >= 3);
  const { merchant: other } = await shop({ status: 502, body: "<html>", signer: null });
  await assert.rejects(other.orders.get("ord_1"), OutcomeUnknown, "a proxy's error says nothing of the outcome");
});

test("patience that is asked for is given up to a limit", async () => {
  const busy = problem(429, "rate_limited", { retryable: true, retry_after: 2 });
  const { merchant, waits } = await shop({ ...busy, signer: null }, { body: ORDER });
  assert.deepEqual(await merchant.orders.get("ord_1"), ORDER);
  assert.deepEqual(waits, [2100]);
  const { merchant: other } = await shop(problem(503, "overloaded", { retryable: true, retry_after: 60 }));
  await assert.rejects(other.orders.get("ord_1"), (error) => isProblem(error, "overloaded") && error.retryAfter === 60);
  assert.equal(asked.length, 1);
});

test("a write without a number of yours keeps its Idempotency-Key", async () => {
  const { merchant } = await shop(undefined, { status: 202, body: { id: "exp_1" } });
  await merchant.exports.request({ from: "2026-11-01T00:00:00+08:00", to: "2026-11-02T00:00:00+08:00", format: "csv" });
  const [first, second] = asked.map((one) => one.headers["idempotency-key"]);
  assert.match(first, /^[0-9a-f]{32}$/);
  assert.equal(second, first);
  const { merchant: other } = await shop({ status: 202, body: { id: "exp_1" } });
  await other.exports.request({ from: "2026-11-01T00:00:00+08:00", to: "2026-11-02T00:00:00+08:00", format: "csv" }, "mine");
  assert.equal(asked[0].headers["idempotency-key"], "mine");
});

test("a list is read page by page, as far as one goes", async () => {
  const page = (ids, more) => ({ body: { items: ids.map((id) => ({ id })), has_more: more } });
  const { merchant } = await shop(page(["ord_3", "ord_2"], true), page(["ord_1"], false));
  const ids = [];
  for await (const { id } of merchant.orders.list({ state: "SUCCESS" })) ids.push(id);
  assert.deepEqual(ids, ["ord_3", "ord_2", "ord_1"]);
  assert.deepEqual(lines(), ["GET /v1/merchant/orders?limit=100&state=SUCCESS", "GET /v1/merchant/orders?limit=100&state=SUCCESS&after=ord_2"]);
  const { merchant: other } = await shop(page(["evt_2", "evt_1"], true));
  assert.deepEqual(await other.events.list({ delivered: false }).first(1), [{ id: "evt_2" }]);
  assert.deepEqual(lines(), ["GET /v1/merchant/events?limit=100&delivered=false"]);
  const { merchant: third } = await shop(page([], true));
  assert.deepEqual(await third.refunds.list().first(), [], "an empty page ends a list, whatever it says");
});

test("what is signed is what is sent, whatever a number holds", async () => {
  const { merchant } = await shop({ body: ORDER });
  await merchant.orders.byNumber("A|1*(b)'!:.");
  assert.equal(lines()[0], "GET /v1/merchant/orders/out-trade-no/A%7C1%2A%28b%29%27%21%3A.");
  await merchant.transactions.list({ reference: "o'n e&x=1" }).first().catch(() => undefined);
  assert.equal(lines()[1], "GET /v1/merchant/transactions?limit=100&reference=o%27n%20e%26x%3D1");
  for (const dots of ["", ".", ".."]) await assert.rejects(async () => merchant.orders.byNumber(dots), TypeError);
});

test("a body goes as JSON, or as it is", async () => {
  const { merchant } = await shop({ body: ORDER });
  await merchant.orders.create(ASK);
  await merchant.selfTest("麻花");
  await merchant.selfTest(new Uint8Array([1, 2]));
  await merchant.orders.close("ord_1");
  assert.deepEqual(asked.map(({ headers, body }) => [headers["content-type"], body]), [
    ["application/json", JSON.stringify(ASK)],
    ["application/octet-stream", "麻花"],
    ["application/octet-stream", "\u0001\u0002"],
    [undefined, ""],
  ]);
});

test("a number that no order has is null, and any other refusal is not", async () => {
  const { merchant } = await shop(problem(404, "not_found"));
  assert.equal(await merchant.orders.find("A-9"), null);
  const { merchant: other } = await shop(problem(403, "merchant_inactive"));
  await assert.rejects(other.refunds.find("R-9"), Problem);
});

test("a file is compared with the digest that the platform signed", async () => {
  const digest = toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode("a,b\n"))));
  const { merchant } = await shop({ body: "a,b\n", signer: null }, { body: { id: "exp_1", sha256: digest } });
  assert.equal(new TextDecoder().decode(await merchant.exports.file("exp_1")), "a,b\n");
  const { merchant: other } = await shop({ body: "a,c\n", signer: null }, { body: { id: "exp_1", sha256: digest } });
  await assert.rejects(other.exports.file("exp_1"), Unacceptable);
});

test("without pinned keys the directory is read, and one that names none is refused", async () => {
  asked = [];
  const base = `http://127.0.0.1:${server.address().port}/`;
  replies = [() => ({ body: { answers: [{ suite: "ED25519", public_key: keys.ED25519.public_key }, { suite: "ES256", public_key: "" }] }, signer: null }), () => ({ body: ORDER })];
  const merchant = await Merchant.connect({ base, mchid: "mch_1", key: keys.ED25519.private_key });
  assert.equal((await merchant.orders.get("ord_1")).id, "ord_1");
  assert.deepEqual(lines(), ["GET /v1/public/keys", "GET /v1/merchant/orders/ord_1"]);
  replies = [() => ({ body: { answers: [] }, signer: null })];
  await assert.rejects(Merchant.connect({ base, mchid: "mch_1", key: keys.ED25519.private_key }), Unacceptable);
});
