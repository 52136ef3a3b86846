// What people do among themselves with the wallet, and the proofs beyond a password: red packets, requests,
// split bills, passkeys by the browser's virtual authenticator. A platform that has not got a route yet
// does not offer its page; then there is nothing to test here.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { openTown } from "./wallet-town.mjs";

let town;
let ming;
let hong;

before(async () => {
  town = await openTown();
  [ming, hong] = await Promise.all([town.meet("江小明"), town.meet("何小红")]);
  await ming.arrive();
  await hong.arrive();
  await ming.upgrade();
  await ming.link();
  await ming.topUp("500");
});

after(() => town?.close());

/** Whether the platform knows `path`: without a session it says so, or says that there is nothing. */
const knows = async (path) => (await fetch(`${town.address}/v1/wallet/${path}`)).status !== 404;

test("a lucky red packet is sent, opened by a link once, and told to both", async (context) => {
  if (!(await knows("red-packets"))) return context.skip("the platform has no red packets");
  await ming.open("/packets/new");
  await ming.fill("总金额", "20");
  await ming.fill("个数", "2");
  await ming.press("下一步");
  await ming.press("塞钱进红包 ¥20.00");
  await ming.fill("支付密码", ming.pin);
  assert.deepEqual(await ming.verdict(), ["good", "红包包好了"]);
  const link = await ming.page.locator("[data-link]").getAttribute("data-link");
  await hong.page.goto(link);
  await hong.press("开");
  await hong.page.getByText("已存入钱包").waitFor();
  await hong.page.reload();
  await hong.page.getByText("已存入钱包").waitFor();
  assert.equal(await hong.page.getByRole("button", { name: "开", exact: true }).count(), 0);
  await hong.open("/notices");
  await hong.page.getByText("的红包").waitFor();
});

test("a request to pay is asked, paid, and shown as paid to both", async (context) => {
  if (!(await knows("payment-requests"))) return context.skip("the platform has no requests to pay");
  const wallet = await ming.walletId();
  await hong.open("/requests/new");
  await hong.press("钱包编号");
  await hong.fill("对方的钱包编号", wallet);
  await hong.press("查找");
  await hong.fill("请款金额", "15");
  await hong.fill("为了什么", "奶茶");
  await hong.press("发出");
  await hong.page.getByText("已发出").waitFor();
  await ming.open("/requests");
  await ming.follow("付款");
  await ming.press("确认付款 ¥15.00");
  await ming.fill("支付密码", ming.pin);
  assert.deepEqual(await ming.verdict(), ["good", "付款成功"]);
  await hong.open("/requests");
  await hong.page.getByText("已付").waitFor();
});

test("a bill is split, and its shares are asked for", async (context) => {
  if (!(await knows("bill-splits"))) return context.skip("the platform splits no bills");
  const wallet = await hong.walletId();
  await ming.open("/splits/new");
  await ming.fill("账单名称", "火锅");
  await ming.fill("总金额", "100.01");
  await ming.press("添加一个人");
  await ming.press("钱包编号");
  await ming.fill("对方的钱包编号", wallet);
  await ming.press("查找");
  await ming.page.getByText("每人 ¥50.00，您自己承担 ¥50.01").waitFor();
  await ming.press("发给大家");
  await ming.page.getByText("等待付款").waitFor();
});

test("a payment is contested in a ticket that one follows, writes on in, and closes", async (context) => {
  if (!(await knows("tickets"))) return context.skip("the platform has no tickets");
  const order = await town.shop.order(900, "豆花一碗");
  await ming.open(`/pay?code=${encodeURIComponent(order.qr_code)}`);
  await ming.press("确认付款 ¥9.00");
  assert.deepEqual(await ming.verdict(), ["good", "付款成功"]);
  await ming.follow("查看凭证");
  await ming.follow("对这笔有异议");
  await ming.page.getByText(order.id).waitFor();
  await ming.press("提交");
  await ming.page.getByText("请写几句话").waitFor();
  await ming.fill("请说明情况", "豆花没有上。");
  await ming.press("提交");
  await ming.page.getByText("等待回复").waitFor();
  await ming.page.getByText("豆花没有上。").waitFor();
  await ming.fill("回复", "已经等了半小时。");
  await ming.press("回复");
  await ming.page.getByText("已经等了半小时。", { exact: true }).and(ming.page.locator("li *")).waitFor();
  await ming.page.reload();
  await ming.page.getByText("已经等了半小时。").waitFor();
  await ming.press("问题解决了，关闭");
  await ming.page.getByText("已关闭").waitFor();
  await ming.open("/tickets");
  await ming.page.getByText("对付款有异议").waitFor();
});

test("privacy: what merchants saw, a consent that stays, and a copy of the data without secrets", async (context) => {
  if (!(await knows("privacy/consents"))) return context.skip("the platform has no privacy page");
  await ming.open("/privacy");
  await ming.page.getByText("1 笔，最近").waitFor();
  await ming.page.getByText("本店代号").waitFor();
  const marketing = ming.page.getByLabel("接收优惠和活动消息");
  assert.equal(await marketing.isChecked(), false);
  const agreed = ming.page.waitForResponse((answer) => answer.request().method() === "PUT" && answer.ok());
  await marketing.click();
  await agreed;
  await ming.page.reload();
  await ming.page.getByLabel("接收优惠和活动消息").and(ming.page.locator(":checked")).waitFor();
  assert.equal(await ming.page.getByLabel("登录提醒").isChecked(), true);
  const [saved] = await Promise.all([ming.page.waitForEvent("download"), ming.press("下载我的全部数据")]);
  const pieces = [];
  for await (const piece of await saved.createReadStream()) pieces.push(piece);
  const text = Buffer.concat(pieces).toString();
  const data = JSON.parse(text);
  assert.equal(data.consents.marketing, true);
  assert.equal(data.merchants_paid.items.length, 1);
  assert.equal(data.tickets.items[0].messages[0].text, "豆花没有上。");
  for (const secret of [ming.phone, ming.id_number, ming.account]) assert.ok(!text.includes(secret), secret);
});

test("a passkey is added, and pays in place of the PIN: it signs the very text of the payment", async (context) => {
  if (!(await knows("passkeys"))) return context.skip("the platform has no passkeys");
  const client = await ming.context.newCDPSession(ming.page);
  await client.send("WebAuthn.enable");
  await client.send("WebAuthn.addVirtualAuthenticator", {
    options: { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
  });
  await ming.open("/passkeys");
  const answer = ming.page.waitForResponse((one) => one.url().endsWith("/v1/wallet/passkeys") && one.request().method() === "POST");
  await ming.press("添加通行密钥");
  if ((await answer).status() === 403) {
    await ming.press("获取验证码");
    await ming.fill("短信验证码", await ming.code());
    await ming.page.getByRole("button", { name: "添加通行密钥" }).last().click();
  }
  await ming.page.getByRole("button", { name: "移除" }).waitFor();
  const order = await town.shop.order(120_000, "住宿");
  await ming.open(`/pay?code=${encodeURIComponent(order.qr_code)}`);
  await ming.press("确认付款");
  const paid = ming.page.waitForRequest("**/payments");
  await ming.press("用通行密钥确认");
  const { evidence, pin } = (await paid).postDataJSON();
  assert.ok(evidence.passkey.signature);
  assert.equal(pin, undefined);
  assert.notEqual((await ming.verdict())[0], "wait");
});

test("the authenticator is switched on, and its recovery codes are shown once", async (context) => {
  if (!(await knows("authenticator"))) return context.skip("the platform has no authenticator");
  await hong.open("/authenticator");
  await hong.press("启用验证器");
  const secret = await hong.page.locator(".mono.center").innerText();
  await hong.fill("输入应用显示的 6 位数字", await totp(secret));
  await hong.press("确认");
  await hong.page.getByText("恢复码，只显示这一次").waitFor();
  assert.equal(await hong.page.locator(".card li.mono").count(), 10);
});

/** RFC 6238 with SHA-1, six digits, thirty seconds. */
async function totp(secret) {
  const bits = [...secret.replace(/=+$/, "")].map((letter) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0")).join("");
  const raw = Uint8Array.from(bits.match(/.{8}/g), (byte) => Number.parseInt(byte, 2));
  const key = await crypto.subtle.importKey("raw", raw, { name: "HMAC", hash: "SHA-1" }, false, ["sign"]);
  const counter = new DataView(new ArrayBuffer(8));
  counter.setBigUint64(0, BigInt(Math.floor(Date.now() / 30_000)));
  const mac = new DataView(await crypto.subtle.sign("HMAC", key, counter));
  const offset = mac.getUint8(19) & 15;
  return String((mac.getUint32(offset) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}
