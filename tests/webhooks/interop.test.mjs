// Programs that are not ours: the Standard Webhooks library checks what we send, and a library for HTTP
// Message Signatures signs what we receive, and a JOSE library seals it. All against a whole platform.

import assert from "node:assert/strict";
import { constants, createDecipheriv, createHash, createPublicKey, generateKeyPairSync, randomUUID, sign, verify } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { createSigner, httpbis } from "http-message-signatures";
import { CompactEncrypt } from "jose";
import { Webhook } from "standardwebhooks";

import { startDemo } from "../browser/demo.mjs";

let demo;
let shop;
let owner;
let receiver;

before(async () => {
  demo = await startDemo("--no-traffic", "--people", "2", "--shops", "1");
  const register = JSON.parse(await readFile(join(demo.data, "people.json"), "utf8"));
  shop = register.sellers[0];
  owner = register.payers.find((payer) => payer.index === shop.index).session;
  receiver = await startReceiver();
});

after(async () => {
  receiver?.close();
  await demo?.stop();
});

/** A server on loopback that takes everything and keeps it. */
async function startReceiver() {
  const waiting = [];
  const messages = [];
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    response.writeHead(204).end();
    const message = { headers: request.headers, body: Buffer.concat(chunks) };
    const next = waiting.shift();
    if (next) next(message);
    else messages.push(message);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/jialing`,
    next: () => (messages.length ? Promise.resolve(messages.shift()) : new Promise((resolve) => waiting.push(resolve))),
    close: () => server.close().closeAllConnections(),
  };
}

/** The library's own signer, but for RSA-PSS: it takes the longest salt there is room for, and RFC 9421 says 64 bytes. */
function signer(key, alg, id) {
  if (alg !== "rsa-pss-sha512") return createSigner(key, alg, id);
  const pss = { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 64 };
  return { id, alg, sign: async (data) => sign("sha512", data, pss) };
}

/** Sends a request that `http-message-signatures` signed; `change` may spoil it afterwards. */
async function call(method, path, body, { key = shop.key, serial = shop.serial_no, alg = "ed25519", fields, change } = {}) {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const request = { method, url: new URL(path, demo.address).href, headers: { host: new URL(demo.address).host } };
  if (text !== undefined) {
    request.headers["content-type"] = "application/json";
    request.headers["content-digest"] = `sha-256=:${createHash("sha256").update(text).digest("base64")}:`;
  }
  const covered = fields ?? ["@method", "@authority", "@path", "@query", ...(text === undefined ? [] : ["content-digest", "content-type"])];
  const signed = await httpbis.signMessage(
    {
      key: signer(key, alg, `${shop.merchant_id}/${serial}`),
      name: "sig1",
      fields: covered,
      params: ["created", "keyid", "alg", "nonce"],
      paramValues: { nonce: randomUUID() },
    },
    request,
  );
  const sent = { url: signed.url, method, headers: { ...signed.headers, "idempotency-key": randomUUID() }, body: text };
  change?.(sent);
  delete sent.headers.host;
  const answer = await fetch(sent.url, sent);
  return { status: answer.status, headers: answer.headers, body: answer.status === 204 ? undefined : await answer.json() };
}

test("a library for HTTP Message Signatures opens the merchant's door", async () => {
  const echo = await call("POST", "/v1/merchant/security/echo", { any: "thing" });
  assert.equal(echo.status, 200, JSON.stringify(echo.body));
  assert.equal(echo.body.form, "RFC9421");
  assert.deepEqual(echo.body.covered, ["@method", "@authority", "@path", "@query", "content-digest", "content-type"]);
  assert.match(echo.headers.get("ratelimit"), /^"key";r=\d+;t=\d+$/);
  const listed = await call("GET", "/v1/merchant/orders?limit=5");
  assert.equal(listed.status, 200, JSON.stringify(listed.body));
  for (const fields of [["@method", "@target-uri", "content-digest"], ["@method", "@request-target", "@scheme", "content-digest"]]) {
    const other = await call("POST", "/v1/merchant/security/echo", { any: "thing" }, { fields });
    assert.equal(other.status, 200, JSON.stringify(other.body));
  }
});

test("both RSA algorithms of the standard verify under a key of the owner's", async () => {
  const pair = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const registered = await fetch(`${demo.address}/v1/wallet/merchants/${shop.merchant_id}/keys`, {
    method: "POST",
    headers: { authorization: `Bearer ${owner.token}`, "content-type": "application/json" },
    body: JSON.stringify({ public_key: pair.publicKey.export({ type: "spki", format: "pem" }), scopes: ["orders:read"] }),
  });
  const { serial } = await registered.json();
  for (const alg of ["rsa-v1_5-sha256", "rsa-pss-sha512"]) {
    const rsa = { key: pair.privateKey, serial, alg };
    const echo = await call("POST", "/v1/merchant/security/echo", {}, rsa);
    assert.equal(echo.status, 200, JSON.stringify(echo.body));
    const refused = await call("GET", "/v1/merchant/refunds", undefined, rsa);
    assert.deepEqual([refused.status, refused.body.code, refused.body.needed], [403, "scope_missing", "refunds:read"]);
  }
});

test("a JOSE library seals an order's words, and a whole order", async () => {
  const { encryption } = await (await fetch(`${demo.address}/v1/public/keys`)).json();
  const { serial_no: serial, public_key: der } = encryption.find((one) => one.algorithm === "RSA-OAEP-256");
  const key = createPublicKey({ key: Buffer.from(der, "base64"), format: "der", type: "spki" });
  const seal = async (text) => {
    const sealing = new CompactEncrypt(Buffer.from(text)).setProtectedHeader({ alg: "RSA-OAEP-256", enc: "A256GCM", kid: serial });
    return { jwe: await sealing.encrypt(key) };
  };
  const order = { out_trade_no: `S-${randomUUID().slice(0, 8)}`, description: "火锅", amount: { amount: 100, currency: "CNY" } };
  const send = (body) => call("POST", "/v1/merchant/orders", body, { change: (sent) => (sent.headers["jialing-sealed-with"] = serial) });
  const made = await send({ ...order, description: await seal("火锅") });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  assert.equal(made.body.description, "火锅");
  const again = await send(await seal(JSON.stringify(order)));
  assert.deepEqual([again.status, again.body.id], [200, made.body.id]);
  const spoiled = await seal("火锅");
  spoiled.jwe = spoiled.jwe.replace(/.$/, (last) => (last === "A" ? "Q" : "A"));
  const refused = await send({ ...order, description: spoiled });
  assert.deepEqual([refused.status, refused.body.code, refused.body.field], [400, "sealed_value_invalid", "description"]);
});

test("what was changed on the way is refused with a reason", async () => {
  const echo = "/v1/merchant/security/echo";
  const check = async (change, code, part) => {
    const heard = await call("POST", echo, { amount: 100 }, { change });
    assert.equal(heard.body.code, code);
    assert.match(JSON.stringify(heard.body), part);
  };
  await check((sent) => (sent.body = '{"amount":1}'), "signature_invalid", /Content-Digest/);
  await check((sent) => (sent.headers["content-type"] = "application/json; charset=utf-8"), "signature_invalid", /verified/);
  await check((sent) => (sent.headers.Signature = "sig1=:AAAA:"), "signature_invalid", /verified/);
  await check((sent) => delete sent.headers.Signature, "signature_invalid", /Signature/);
  const more = (sent) => (sent.url = sent.url.replace("limit=5", "limit=50"));
  const listed = await call("GET", "/v1/merchant/orders?limit=5", undefined, { change: more });
  assert.deepEqual([listed.status, listed.body.code], [401, "signature_invalid"]);
});

test("the Standard Webhooks library verifies what an endpoint is sent, and nothing else", async () => {
  const made = await call("POST", "/v1/merchant/webhooks", { url: receiver.url });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const { id, secret, api_key: key } = made.body;
  assert.equal((await call("POST", `/v1/merchant/webhooks/${id}/ping`)).status, 202);
  const { headers, body } = await receiver.next();
  const library = new Webhook(secret);
  const envelope = library.verify(body, headers);
  assert.deepEqual([envelope.type, envelope.id], ["webhook.ping", headers["webhook-id"]]);
  assert.throws(() => library.verify(body.toString().replace("ping", "pong"), headers), /No matching signature/);
  assert.throws(() => library.verify(body, { ...headers, "webhook-timestamp": "1" }), /too old/);
  assert.throws(() => new Webhook("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").verify(body, headers), /No matching signature/);

  // The resource opens with the sealing key, by Node's own AES.
  const { algorithm, key_id, nonce, associated_data, ciphertext } = envelope.resource;
  assert.deepEqual([algorithm, key_id], ["AES-256-GCM", key.id]);
  const sealed = Buffer.from(ciphertext, "base64");
  const open = createDecipheriv("aes-256-gcm", Buffer.from(key.key, "base64"), Buffer.from(nonce, "base64"));
  open.setAAD(Buffer.from(associated_data)).setAuthTag(sealed.subarray(-16));
  const resource = JSON.parse(Buffer.concat([open.update(sealed.subarray(0, -16)), open.final()]));
  assert.deepEqual(resource, { webhook_id: id });

  // The platform's own signatures verify under its published key.
  const { answers } = await (await fetch(`${demo.address}/v1/public/keys`)).json();
  const published = answers.find((one) => one.serial_no === headers["jialing-serial"]);
  const platform = createPublicKey({ key: Buffer.from(published.public_key, "base64"), format: "der", type: "spki" });
  const ours = Buffer.concat([Buffer.from(`${headers["jialing-timestamp"]}\n${headers["jialing-nonce"]}\n`), body, Buffer.from("\n")]);
  assert.ok(verify(null, ours, platform, Buffer.from(headers["jialing-signature"], "base64")));
  assert.match(published.webhook_key, /^whpk_[A-Za-z0-9+/]{43}=$/);
  const v1a = headers["webhook-signature"].split(" ").find((one) => one.startsWith("v1a,")).slice(4);
  const signed = Buffer.concat([Buffer.from(`${headers["webhook-id"]}.${headers["webhook-timestamp"]}.`), body]);
  assert.ok(verify(null, signed, platform, Buffer.from(v1a, "base64")));

  // While the secret is replaced, old and new both verify; with no overlap the old one does not.
  for (const [overlap_hours, old] of [[1, true], [0, false]]) {
    const fresh = await call("POST", `/v1/merchant/webhooks/${id}/secret`, { overlap_hours });
    assert.equal(fresh.status, 201, JSON.stringify(fresh.body));
    await call("POST", `/v1/merchant/webhooks/${id}/ping`);
    const message = await receiver.next();
    new Webhook(fresh.body.secret).verify(message.body, message.headers);
    const verifies = () => library.verify(message.body, message.headers);
    if (old) verifies();
    else assert.throws(verifies, /No matching signature/);
  }
  const deliveries = await call("GET", `/v1/merchant/webhooks/${id}/deliveries`);
  assert.ok(deliveries.body.items.length === 3, JSON.stringify(deliveries.body));
});
