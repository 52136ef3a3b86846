// Two people and a merchant live through a day with the wallet, in a browser each: what money does here
// is done by the platform behind it, not played.

import assert from "node:assert/strict";
import { after, before, test as step } from "node:test";

import { openTown } from "./wallet-town.mjs";

/** One day has one order: after a step that failed the rest is not lived through. */
let broken = false;
function test(name, act) {
  step(name, async (context) => {
    if (broken) return context.skip("an earlier step failed");
    broken = true;
    await act(context);
    broken = false;
  });
}

let town;
let ming;
let hong;

before(async () => {
  town = await openTown();
  [ming, hong] = await Promise.all([town.meet("江小明"), town.meet("何小红")]);
});

after(() => town?.close());

test("both arrive: phone, password, PIN, device key, first wallet", async () => {
  await ming.arrive();
  await hong.arrive();
  assert.equal(await ming.balance(), "¥0.00");
  const kept = await ming.page.evaluate(
    (phone) =>
      new Promise((resolve, reject) => {
        const opening = indexedDB.open("jialing-wallet", 1);
        opening.onerror = () => reject(opening.error);
        opening.onsuccess = () => {
          const asked = opening.result.transaction("kept").objectStore("kept").get(`device:${phone}`);
          asked.onsuccess = async () => {
            const { keys, device_id } = asked.result;
            const exported = await crypto.subtle.exportKey("pkcs8", keys.privateKey).then(() => "readable", (error) => error.name);
            resolve({ device_id, extractable: keys.privateKey.extractable, exported });
          };
        };
      }),
    ming.phone,
  );
  assert.match(kept.device_id, /^dev_/);
  assert.deepEqual([kept.extractable, kept.exported], [false, "InvalidAccessError"]);
});

test("identity, bank account and top-up: money arrives, and the home page says how much is left", async () => {
  for (const person of [ming, hong]) {
    await person.upgrade();
    await person.link();
    assert.deepEqual(await person.topUp("300"), ["good", "充值成功"]);
  }
  assert.equal(await ming.balance(), "¥300.00");
  assert.match(await ming.text(), /今日还可付/);
});

test("a pasted code is paid in two taps; the shop hears of it, and the receipt is verified in the browser", async () => {
  const order = await town.shop.order(1250, "磁器口麻花两斤");
  await ming.open("/scan");
  await ming.fill("粘贴码或链接", order.qr_code);
  await ming.press("识别");
  await ming.page.getByText("磁器口麻花两斤").first().waitFor();
  await ming.press("确认付款 ¥12.50");
  assert.deepEqual(await ming.verdict(), ["good", "付款成功"]);
  assert.equal((await town.shop.merchant.orders.get(order.id)).state, "SUCCESS");
  await ming.follow("查看凭证");
  await ming.press("自己验证这笔");
  await ming.page.waitForSelector('[data-held="true"]');
  assert.match(await ming.page.locator("[data-held]").innerText(), /付款人的设备签署了这笔金额/);
});

test("a receipt that was changed by one fen is shown as false", async () => {
  const [saved] = await Promise.all([ming.page.waitForEvent("download"), ming.press("保存凭证文件")]);
  const pieces = [];
  for await (const piece of await saved.createReadStream()) pieces.push(piece);
  const receipt = JSON.parse(Buffer.concat(pieces).toString());
  await ming.open("/verify");
  const choose = (value) => ming.page.setInputFiles('input[type="file"]', { name: "receipt.json", mimeType: "application/json", buffer: Buffer.from(value) });
  await choose(JSON.stringify(receipt));
  await ming.page.waitForSelector('[data-held="true"]');
  receipt.what.amount.amount += 1;
  await choose(JSON.stringify(receipt));
  await ming.page.waitForSelector('[data-held="false"]');
  await choose("not a receipt");
  await ming.page.getByText("这不是凭证文件").waitFor();
});

test("the shop scans the pay code: paid at once below the bound, with the PIN above it", async () => {
  await ming.open("/code");
  await ming.press("开通付款码");
  const code = await shownCode(ming);
  const small = await town.shop.charge(900, "豆花一碗", code);
  assert.equal(small.state, "SUCCESS");
  await ming.page.getByText("已付 ¥9.00").waitFor();
  const next = await shownCode(ming);
  assert.notEqual(next, code, "a used code is never shown again");
  const large = await town.shop.charge(21_000, "火锅", next);
  assert.equal(large.state, "USERPAYING");
  await ming.press("确认付款 ¥210.00");
  await ming.fill("支付密码", ming.pin);
  assert.deepEqual(await ming.verdict(), ["good", "付款成功"]);
  const back = await town.shop.giveBack(large.id ?? large.order_id, 20_000);
  assert.ok(["PROCESSING", "SUCCESS"].includes(back.state));
});

/** What the page draws, read back with the reader of the scan page. */
async function shownCode(person) {
  await person.page.waitForSelector("svg.qr");
  const picture = await person.page.locator(".paper").first().screenshot();
  const { default: read } = await import("../../web/node_modules/jsqr/dist/jsQR.js");
  const { data, width, height } = await person.page.evaluate(async (base64) => {
    const bitmap = await createImageBitmap(new Blob([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))]));
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext("2d");
    context.drawImage(bitmap, 0, 0);
    let binary = "";
    for (const byte of context.getImageData(0, 0, bitmap.width, bitmap.height).data) binary += String.fromCharCode(byte);
    return { data: btoa(binary), width: bitmap.width, height: bitmap.height };
  }, picture.toString("base64"));
  const found = (read.default ?? read)(Uint8ClampedArray.from(Buffer.from(data, "base64")), width, height);
  assert.ok(found, "the shown code can be read");
  return found.data;
}

test("the pay code opens without network", async () => {
  await ming.page.evaluate(() => navigator.serviceWorker.ready.then(() => true));
  await ming.open("/code");
  await ming.page.waitForSelector("svg.qr");
  await ming.context.setOffline(true);
  await ming.page.reload();
  await ming.page.waitForSelector("svg.qr");
  await ming.page.getByText("没有网络，付款码照常可用").waitFor();
  const code = await shownCode(ming);
  await ming.context.setOffline(false);
  assert.equal((await town.shop.charge(100, "矿泉水", code)).state, "SUCCESS");
});

test("a lost answer leads to checking and to the truth, never to a second payment", async () => {
  const before = await ming.balance();
  const order = await town.shop.order(700, "小面");
  await ming.open(`/pay?code=${encodeURIComponent(order.qr_code)}`);
  await ming.page.getByText("小面").first().waitFor();
  // The request arrives, its answer does not; then nothing arrives for a while.
  let sent = 0;
  await ming.page.route("**/payments", async (route) => {
    sent += 1;
    if (sent === 1) await route.fetch();
    await route.abort("connectionfailed");
  });
  await ming.page.route("**/v1/wallet/orders/*", (route) => route.abort("connectionfailed"));
  await ming.press("确认付款 ¥7.00");
  await ming.page.getByText("正在确认结果").waitFor();
  assert.match(await ming.text(), /请不要重复付款/);
  await ming.page.unroute("**/v1/wallet/orders/*");
  assert.deepEqual(await ming.verdict(), ["good", "付款成功"]);
  await ming.page.unroute("**/payments");
  const yuan = (text) => Math.round(Number(text.replace(/[¥,]/g, "")) * 100);
  assert.equal(yuan(before) - yuan(await ming.balance()), 700, "paid once");
});

test("an act that the page was closed on is found again, and told", async () => {
  const order = await town.shop.order(600, "凉糕");
  await ming.open(`/pay?code=${encodeURIComponent(order.qr_code)}`);
  await ming.page.getByText("凉糕").first().waitFor();
  await ming.page.route("**/payments", async (route) => {
    await route.fetch();
    await route.abort("connectionfailed");
  });
  await ming.press("确认付款 ¥6.00");
  await ming.page.getByText("正在确认结果").waitFor();
  await ming.page.close();
  const page = await ming.context.newPage();
  await page.goto(`${town.address}/wallet/acts`);
  await page.waitForSelector('[data-verdict="good"]');
  await page.close();
});

test("money is sent by phone with the masked name, and the payee hears of it on the receive page", async () => {
  await hong.open("/privacy");
  const agreed = hong.page.waitForResponse((answer) => answer.request().method() === "PUT" && answer.ok());
  await hong.page.getByLabel("别人可以用手机号找到我").click();
  await agreed;
  const page = (ming.page = await ming.context.newPage());
  await hong.open("/receive");
  await page.goto(`${town.address}/wallet/transfer`);
  await page.getByLabel("手机号").last().fill(hong.phone);
  await page.getByRole("button", { name: "查找" }).click();
  await page.getByLabel("转账金额").fill("20");
  const sure = page.getByLabel("我确认就是");
  await sure.check();
  await page.getByRole("button", { name: "下一步" }).click();
  await page.getByText("第一次付给这位收款人").waitFor();
  await page.getByRole("button", { name: "确认转出" }).click();
  await page.getByLabel("支付密码").fill(ming.pin);
  await page.waitForSelector('[data-verdict="good"]');
  await hong.page.getByText("收到 ¥20.00").waitFor();
});

test("one tap freezes the wallet, nothing leaves it, and a code lifts it", async () => {
  await hong.open("/freeze");
  await hong.press("立即挂失");
  await hong.page.waitForSelector('[data-status="LOST"]');
  const order = await town.shop.order(100, "汤圆");
  await hong.open(`/pay?code=${encodeURIComponent(order.qr_code)}`);
  await hong.page.getByText("汤圆").first().waitFor();
  await hong.press("确认付款");
  assert.equal((await hong.verdict())[0], "bad");
  assert.match(await hong.text(), /挂失|冻结/);
  await hong.open("/freeze");
  await hong.press("解除挂失");
  await hong.press("获取验证码");
  await hong.fill("短信验证码", await hong.code());
  await hong.page.getByRole("button", { name: "解除挂失" }).last().click();
  await hong.page.waitForSelector('[data-status="ACTIVE"]');
});

test("signing out forgets what was seen, and the same device signs in again with its key", async () => {
  await hong.open("/me");
  await hong.press("退出登录");
  await hong.page.getByText("开一个钱包").waitFor();
  assert.equal(await hong.page.evaluate(() => JSON.stringify(localStorage).includes("wal_") && location.pathname), false);
  await hong.follow("登录");
  await hong.fill("手机号", hong.phone);
  await hong.page.getByLabel("登录密码").fill(hong.password);
  await hong.press("获取验证码");
  await hong.fill("短信验证码", await hong.code());
  await hong.page.getByRole("button", { name: "登录", exact: true }).click();
  await hong.page.waitForSelector(".balance");
  await hong.open("/devices");
  await hong.page.getByText("本机").waitFor();
  assert.deepEqual(hong.errors, []);
});
