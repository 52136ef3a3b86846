// The story that every client tells, in TypeScript's: a shop takes an order, is paid, gives a part back, hears of
// it, and holds a receipt that it checks itself. With pinned keys, under one suite.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";

import { fen, isProblem, Merchant, PublicKey, Receiver, verifyReceipt } from "../../sdk/typescript/dist/index.js";

const PRICE = 1250;
const BACK = 250;

export async function tell({ base, mchid, keys, platform_keys: platformKeys, ledger, payer }, suite) {
  const shop = await Merchant.connect({ base, mchid, key: keys[suite], platformKeys });
  const number = `TS-${suite}-${Date.now()}`;

  const echo = await shop.selfTest("麻花");
  assert.deepEqual([echo.mchid, echo.length], [mchid, 6]);

  const ask = { out_trade_no: number, description: "麻花两斤 🥨", amount: fen(PRICE) };
  const order = await shop.orders.create(ask);
  assert.equal((await shop.orders.create(ask)).id, order.id, "the same number is the same order");
  await assert.rejects(shop.orders.create({ ...ask, amount: fen(1) }), (error) => isProblem(error, "conflict") && error.field === "amount");
  assert.equal(await shop.orders.find(`${number}-none`), null);
  assert.equal((await shop.orders.byNumber(number)).state, "NOTPAY");

  const paid = await fetch(payer, { method: "POST", body: order.qr });
  assert.equal(paid.status, 200, await paid.clone().text());
  const { state, transaction_id: transaction } = await shop.orders.get(order.id);
  assert.deepEqual([state, transaction], ["SUCCESS", await paid.text()]);

  const refund = { out_refund_no: `${number}-R1`, order_id: order.id, amount: fen(BACK), reason: "少一根" };
  let given = await shop.refunds.request(refund);
  for (let tries = 0; given.state === "PROCESSING" && tries < 100; tries++) given = await shop.refunds.get(given.id);
  assert.equal(given.state, "SUCCESS");
  await assert.rejects(shop.refunds.request({ ...refund, out_refund_no: `${number}-R2`, amount: fen(PRICE) }), (error) => isProblem(error, "refund_exceeds_paid"));

  const orders = [];
  for await (const one of shop.orders.list({ limit: 1 })) orders.push(one.id);
  assert.ok(orders.includes(order.id) && new Set(orders).size === orders.length, "each order once, page by page");

  const heard = await shop.events.list({ delivered: false }).first();
  const news = heard.filter((event) => event.resource.id === order.id || event.resource.order_id === order.id);
  assert.deepEqual(news.map((event) => event.type).sort(), ["order.paid", "refund.succeeded"]);
  for (const event of news) assert.ok((await shop.events.acknowledge(event.id)).delivered_at);

  const proven = await verifyReceipt(await shop.transactions.receipt(transaction), { ledger });
  assert.deepEqual([proven.kind, proven.amount], ["payment", BigInt(PRICE)]);
}

/** A delivery of the vectors is opened, and a changed one is not. */
export async function hear() {
  const vectors = JSON.parse(await readFile(new URL("../vectors/webhooks.json", import.meta.url), "utf8"));
  const platformKeys = await Promise.all(vectors.platform_keys.map((key) => PublicKey.read(key.public_key)));
  const receiver = new Receiver({ secret: vectors.secrets, apiKeys: vectors.api_keys, platformKeys, now: () => 1000 * vectors.now });
  const { headers, body } = vectors.deliveries[0];
  assert.equal((await receiver.open(headers, body)).resource.state, "SUCCESS");
  await assert.rejects(receiver.open(headers, body.replace('"order.paid"', '"order.lost"')), { code: "bad_signature" });
}
