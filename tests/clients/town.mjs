// A small city for the clients' stories: a running platform, a shop that signs under every suite, and somebody
// who pays what is shown to them. Everything is stopped and removed at the end.

import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const READY_MS = 240_000;

/** The binary's demonstration, once it is ready. */
async function demo(folder) {
  const binary = process.env.JIALING;
  if (!binary) throw new Error("JIALING names no binary; run `make test-clients`");
  const size = ["--people", "2", "--shops", "1", "--banks", "1", "--no-traffic", "--port", "0"];
  const child = spawn(binary, ["demo", "--data", folder, ...size], { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  child.stderr.on("data", (piece) => (said += piece));
  const address = await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`the demo was not ready within ${READY_MS} ms`)), READY_MS);
    createInterface({ input: child.stdout }).on("line", (line) => {
      const ready = /^ready (http:\S+)$/.exec(line);
      if (ready) resolve(ready[1]);
      if (ready) clearTimeout(timer);
    });
    child.once("exit", (code) => reject(new Error(`the demo ended with ${code} before it was ready:\n${said}`)));
  });
  const stop = async () => {
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    await ended;
  };
  return { address, stop };
}

/** A person's app: signed in, with the key of a bound device. */
class Person {
  constructor(address, { session, wallet_id: wallet, pin }) {
    Object.assign(this, { address, session, wallet, pin });
  }

  async call(method, path, body) {
    const headers = { authorization: `Bearer ${this.session.token}`, "content-type": "application/json", "idempotency-key": crypto.randomUUID() };
    const answer = await fetch(this.address + path, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) });
    const said = await answer.json();
    if (!answer.ok) throw new Error(`${method} ${path}: ${said.code}: ${said.detail}`);
    return said;
  }

  /** Scans a code and pays what it asks for; the device signs exactly that. */
  async pay(payload) {
    const order = await this.call("POST", "/v1/wallet/scans", { payload });
    const expires = new Date(Date.now() + 240_000).toISOString();
    const nonce = crypto.randomUUID();
    const text = `JIALING-EVIDENCE-1\naction:pay\npayee:${order.merchant_id}\namount:${order.amount.amount} CNY\nsubject:${order.id}\nwallet:${this.wallet}\nexpires:${expires}\nnonce:${nonce}\n`;
    const der = Buffer.from(this.session.device_key.replace(/-----[^-]+-----/g, ""), "base64");
    const key = await crypto.subtle.importKey("pkcs8", der, { name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
    const signature = Buffer.from(await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, key, Buffer.from(text))).toString("base64");
    const evidence = { device_id: this.session.device_id, nonce, expires_at: expires, signature };
    return this.call("POST", `/v1/wallet/orders/${order.id}/payments`, { wallet_id: this.wallet, pin: this.pin, evidence });
  }
}

/** Answers `POST /` with a code as the body: it is paid, and the transaction's id comes back. */
async function till(person) {
  const server = createServer(async (request, response) => {
    try {
      const pieces = [];
      for await (const piece of request) pieces.push(piece);
      const { transaction_id: transaction } = await person.pay(Buffer.concat(pieces).toString());
      response.end(transaction);
    } catch (error) {
      response.writeHead(500).end(String(error));
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stop = () => new Promise((resolve) => (server.close(resolve), server.closeAllConnections()));
  return { address: `http://127.0.0.1:${server.address().port}/`, stop };
}

/** The PEM of a public key that the directory or the vectors show in base64. */
const pem = (base64) => `-----BEGIN PUBLIC KEY-----\n${base64.match(/.{1,64}/g).join("\n")}\n-----END PUBLIC KEY-----\n`;

/**
 * What a story needs: `base`, `mchid`, `keys` by suite, `platform_keys` to pin, `ledger` to check receipts with,
 * and `payer`, which pays a code that is posted to it.
 */
export async function openTown() {
  const folder = await mkdtemp(join(tmpdir(), "jialing-clients-"));
  const stops = [() => rm(folder, { recursive: true, force: true })];
  const close = async () => {
    for (const stop of stops.reverse()) await stop();
  };
  try {
    const { address, stop } = await demo(join(folder, "demo"));
    stops.push(stop);
    const { payers, sellers } = JSON.parse(await readFile(join(folder, "demo", "people.json"), "utf8"));
    const people = payers.map((one) => new Person(address, one));
    const [{ merchant_id: mchid }] = sellers;
    const owns = async (person) => (await person.call("GET", "/v1/wallet/merchants")).items.some((merchant) => merchant.id === mchid);
    const [owner, payer] = (await owns(people[0])) ? people : people.reverse();
    const { keys } = JSON.parse(await readFile(new URL("../vectors/signatures.json", import.meta.url), "utf8"));
    // The keys of the vectors are public, and as good as any in a demonstration.
    for (const { public_key: key } of Object.values(keys)) await owner.call("POST", `/v1/wallet/merchants/${mchid}/keys`, { public_key: pem(key) });
    const directory = await (await fetch(`${address}/v1/public/keys`)).json();
    const paying = await till(payer);
    stops.push(paying.stop);
    const town = {
      base: address,
      mchid,
      keys: Object.fromEntries(Object.entries(keys).map(([suite, key]) => [suite, key.private_key])),
      platform_keys: directory.answers.map((key) => key.public_key),
      ledger: directory.ledger.find((key) => key.active).verifier_key,
      payer: paying.address,
    };
    return { town, close };
  } catch (error) {
    await close();
    throw error;
  }
}
