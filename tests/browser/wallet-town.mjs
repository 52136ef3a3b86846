// A small city for the wallet's tests: the demonstration, a shop whose server this is, and people with a
// phone-sized browser each.

import { readFile } from "node:fs/promises";
import { randomBytes, randomInt } from "node:crypto";
import { join } from "node:path";

import { fen, Merchant } from "../../sdk/typescript/dist/index.js";
import { startBrowser } from "./chromium.mjs";
import { startDemo } from "./demo.mjs";

/** How long a step may take, milliseconds; the machine may be busy. */
const PATIENCE_MS = Number(process.env.PATIENCE_MS ?? 30_000);

const digits = (number) => Array.from({ length: number }, () => randomInt(10)).join("");

/** An identity number (GB 11643) in the sandbox's area, with its check character. */
function idNumber() {
  const first = `500199${1950 + randomInt(49)}${String(1 + randomInt(12)).padStart(2, "0")}${String(1 + randomInt(28)).padStart(2, "0")}${digits(3)}`;
  const weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
  const sum = [...first].reduce((sum, digit, place) => sum + Number(digit) * weights[place], 0);
  return first + "10X98765432"[sum % 11];
}

/** The demonstration, its shop and its phones' messages; the browser is started with `flags`. */
export async function openTown(...flags) {
  const [demo, browser] = await Promise.all([startDemo("--no-traffic", "--people", "2", "--shops", "1", "--banks", "2"), startBrowser(...flags)]);
  // Passkeys belong to names, not to numbers: the browser's own machine is called by its name.
  const address = demo.address.replace("127.0.0.1", "localhost");
  const { inbox } = await (await fetch(`${address}/v1/public/status`)).json();
  const close = async () => {
    await browser.stop();
    await demo.stop();
  };
  try {
    const shop = await openShop(address, demo.data);
    return { address, shop, close, browser, meet: (name, look) => meet({ address, inbox, browser }, name, look), messages: (phone) => messages(inbox, phone) };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The first shop of the demonstration, with a key of the published vectors: as good as any here. */
async function openShop(address, data) {
  const { payers, sellers } = JSON.parse(await readFile(join(data, "people.json"), "utf8"));
  const { keys } = JSON.parse(await readFile(new URL("../vectors/signatures.json", import.meta.url), "utf8"));
  const key = keys.ED25519;
  const [{ merchant_id: mchid }] = sellers;
  const pem = `-----BEGIN PUBLIC KEY-----\n${key.public_key.match(/.{1,64}/g).join("\n")}\n-----END PUBLIC KEY-----\n`;
  let owner = null;
  for (const { session } of [...payers, ...sellers]) {
    if (session === undefined) continue;
    const headers = { authorization: `Bearer ${session.token}`, "content-type": "application/json", "idempotency-key": crypto.randomUUID() };
    const registered = await fetch(`${address}/v1/wallet/merchants/${mchid}/keys`, { method: "POST", headers, body: JSON.stringify({ public_key: pem }) });
    if (registered.ok) owner = (method, path, body) => fetch(address + path, { method, headers: { ...headers, "idempotency-key": crypto.randomUUID() }, ...(body ? { body: JSON.stringify(body) } : {}) }).then((answer) => answer.json());
  }
  if (owner === null) throw new Error("nobody in the demonstration owns its shop");
  const merchant = await Merchant.connect({ base: address, mchid, key: key.private_key });
  let number = 0;
  const next = () => `WALLET-${Date.now()}-${(number += 1)}`;
  return {
    mchid,
    merchant,
    owner,
    order: (amount, description) => merchant.orders.create({ out_trade_no: next(), description, amount: fen(amount) }),
    /** Charges what a payer shows. */
    charge: (amount, description, code) => merchant.call("charge_payment_code", { body: { out_trade_no: next(), description, amount: fen(amount), payment_code: code } }),
    giveBack: (order, amount) => merchant.refunds.request({ out_refund_no: next(), order_id: order, amount: fen(amount), reason: "test" }),
  };
}

/** What a phone was sent, newest first. */
async function messages(inbox, phone) {
  return (await fetch(`${inbox}/messages?phone=${encodeURIComponent(phone)}`)).json();
}

/** Somebody new with a phone: a browser context of their own. */
async function meet({ address, inbox, browser }, name, look = {}) {
  const opened = await browser.open({ width: 390, touch: true, ...look }, [address]);
  const { page, context } = opened;
  page.setDefaultTimeout(PATIENCE_MS);
  context.setDefaultTimeout(PATIENCE_MS);
  const person = { name, phone: `168${digits(8)}`, password: `visitor-${randomBytes(6).toString("hex")}`, pin: "386349", id_number: idNumber(), account: `621099${digits(12)}` };
  let seen = 0;
  const at = (path) => `${address}/wallet${path}`;

  const it = {
    ...person,
    ...opened,
    open: async (path) => {
      await page.goto(at(path));
      await page.waitForSelector("main h1, .bar h1, .hero h1");
    },
    /** Waits for the newest message, and answers the code in it. */
    code: async () => {
      for (let tries = 0; tries < 200; tries++) {
        const all = await messages(inbox, person.phone);
        const codes = all.filter(({ params }) => params?.code);
        if (codes.length > seen) {
          seen = codes.length;
          return codes[0].params.code;
        }
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      throw new Error(`no code came to ${person.phone}`);
    },
    press: (words) => page.getByRole("button", { name: words }).first().click(),
    follow: (words) => page.getByRole("link", { name: words }).first().click(),
    fill: (label, value) => page.getByLabel(label, { exact: false }).first().fill(value),
    text: () => page.locator("main").innerText(),
    /** The sign and sentence at the end of an act. */
    verdict: async () => {
      // A bank may take a moment more: then the page goes on looking.
      const line = page.locator('[data-verdict="good"], [data-verdict="bad"]');
      await line.waitFor();
      return [await line.getAttribute("data-verdict"), await line.innerText()];
    },

    /** From nothing to an open wallet of class IV. */
    arrive: async () => {
      await it.open("/");
      await it.follow("开一个钱包");
      await it.fill("手机号", person.phone);
      await it.press("获取验证码");
      await it.fill("短信验证码", await it.code());
      await it.press("下一步");
      await it.fill("登录密码", person.password);
      await it.press("下一步");
      await page.getByLabel("设置 6 位支付密码").fill(person.pin);
      await page.getByLabel("再输入一次").fill(person.pin);
      await it.press("开立钱包");
      await it.press("进入钱包");
      await page.waitForSelector(".balance");
    },
    /** Class III: name and identity number. */
    upgrade: async () => {
      await it.open("/identity");
      await it.fill("姓名", person.name);
      await it.fill("身份证号码", person.id_number);
      await it.press("提交核验");
      await page.getByText("身份已核验").waitFor();
    },
    link: async () => {
      await it.open("/links/new");
      await it.fill("银行卡号", person.account);
      await it.press("绑定银行卡");
      await it.fill("银行发来的验证码", await it.code());
      await it.press("完成绑定");
      await page.getByLabel("充值金额").waitFor();
    },
    topUp: async (yuan) => {
      await it.open("/topup");
      await it.fill("充值金额", yuan);
      await it.press("下一步");
      await it.press("确认充值");
      await it.fill("支付密码", person.pin);
      return it.verdict();
    },
    balance: async () => {
      // Nothing of the page before is taken for an answer.
      await page.goto("about:blank");
      const answered = page.waitForResponse((answer) => answer.url().endsWith("/v1/wallet/wallets") && answer.ok());
      await it.open("/");
      const { items } = await (await answered).json();
      const [{ balance }] = items.filter((wallet) => wallet.status !== "CLOSED");
      const shown = `¥${(balance.amount / 100).toFixed(2)}`;
      await page.locator(".hero .balance", { hasText: shown }).waitFor();
      return shown;
    },
    walletId: async () => {
      await it.open("/wallets");
      return page.locator("main .card .mono").first().innerText();
    },
  };
  return it;
}
