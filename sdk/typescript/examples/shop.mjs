// A shop's server that passes the conformance suite: `jialing conform` against /webhooks and /suite.
//
//   node shop.mjs [jialing-sandbox.json] [PORT]
//
// Its books live in memory, to stay short; keep yours in a database, and the ids of events that you dealt
// with in the same transaction.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";

import { fen, Merchant, Receiver, Refused } from "@jialing/sdk";

const [card = "jialing-sandbox.json", port = "3000"] = process.argv.slice(2);
const { base_url: base, merchant } = JSON.parse(readFileSync(card, "utf8"));
const shop = await Merchant.connect({ base, mchid: merchant.merchant_id, key: merchant.private_key });

/** What the shop knows of each order, by its own number. */
const books = new Map();
/** Events that were dealt with: each may come more than once. */
const done = new Set();

/** Writes down how an order stands. Only what the platform itself says counts, never what a notice claims. */
async function look(number) {
  const { id, state, amount, refunded } = await shop.orders.byNumber(number);
  const given = refunded?.amount ?? 0;
  const word = given >= amount.amount ? "REFUNDED" : state === "SUCCESS" ? "PAID" : ["CLOSED", "REVOKED"].includes(state) ? "CLOSED" : "UNPAID";
  books.set(number, { state: word, order_id: id });
  return books.get(number);
}

/** Opens a notice; a key that is new is looked up in the platform's directory once. */
async function open(headers, body) {
  try {
    return await new Receiver({ platformKeys: shop.platformKeys }).open(headers, body);
  } catch (error) {
    if (!(error instanceof Refused) || error.code !== "unknown_key") throw error;
    return new Receiver({ platformKeys: await shop.renewKeys() }).open(headers, body);
  }
}

/** Takes a notice: which order it is about is read from the event itself. */
async function take(headers, body) {
  const notice = await open(headers, body);
  if (done.has(notice.id)) return;
  const { resource } = await shop.events.get(notice.id);
  if (notice.type.startsWith("order.")) await look(resource.out_trade_no);
  if (notice.type.startsWith("refund.")) await look((await shop.orders.get(resource.order_id)).out_trade_no);
  done.add(notice.id);
}

/** What the suite asks the shop to do; leave this out of production. */
const acts = {
  async order({ out_trade_no, amount, description }) {
    await shop.orders.create({ out_trade_no, description, amount: fen(amount) });
    return look(out_trade_no);
  },
  state: async ({ out_trade_no }) => books.get(out_trade_no) ?? { state: "NONE" },
  async refund({ out_trade_no, out_refund_no, amount }) {
    await shop.refunds.request({ out_refund_no, order_id: books.get(out_trade_no).order_id, amount: fen(amount) });
    return look(out_trade_no);
  },
  async reconcile() {
    const breaks = [];
    for await (const { out_trade_no: number } of shop.orders.list()) {
      const before = books.get(number)?.state;
      if ((await look(number)).state !== before) breaks.push(number);
    }
    return { breaks };
  },
};

async function answer(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  if (request.url === "/webhooks") return take(request.headers, body);
  const ask = JSON.parse(body);
  return acts[ask.do](ask);
}

const server = createServer((request, response) => {
  answer(request)
    .then((told) => response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(told ?? {})))
    .catch((error) => response.writeHead(error instanceof Refused ? 400 : 500).end(String(error.message)));
});
server.listen(Number(port), "127.0.0.1", () => console.log(`ready http://127.0.0.1:${server.address().port}`));
