// The developers' site as an integrator meets it, served by the binary.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";

import { checkPage, startBrowser } from "./chromium.mjs";
import { startDemo } from "./demo.mjs";

let demo;
let browser;

before(async () => {
  [demo, browser] = await Promise.all([startDemo("--no-traffic", "--people", "2", "--shops", "1", "--banks", "1"), startBrowser()]);
});

after(async () => {
  await browser?.stop();
  await demo?.stop();
});

async function visit(path, look = {}) {
  const opened = await browser.open(look, [demo.address]);
  await opened.page.goto(`${demo.address}/developers${path}`);
  await opened.page.waitForSelector("main h1");
  return opened;
}

const PAGES = ["/", "/docs", "/docs/guides/cashier", "/docs/guides/statements", "/api", "/api/create_order", "/errors", "/errors/signature_invalid", "/signatures", "/cashier", "/choose", "/feedback", "/docs/guides/going-live", "/status", "/changelog", "/nothing-here"];

for (const look of [{ width: 390, touch: true }, { width: 1440, locale: "en-US", colorScheme: "dark" }]) {
  test(`every page is whole at ${look.width} px, ${look.locale ?? "zh-CN"}, ${look.colorScheme ?? "light"}`, async () => {
    const { page, errors, close } = await visit("/", look);
    for (const path of PAGES) {
      await page.goto(`${demo.address}/developers${path}`);
      await page.waitForSelector("main h1");
      await checkPage(page, `developers${path.replaceAll("/", "-")}-${look.width}`);
      assert.match(await page.title(), look.locale ? /Jialing for developers/ : /嘉陵开放平台/, path);
    }
    assert.deepEqual(errors, []);
    await close();
  });
}

test("what is searched for is found by keyboard: a guide, an operation, an error code", async () => {
  const { page, close } = await visit("/");
  for (const [words, address, heading] of [
    ["create_order", "/developers/api/create_order", "创建订单"],
    ["nonce_reused", "/developers/errors/nonce_reused", "nonce_reused"],
    ["drop-in script", "/developers/docs/guides/cashier", null],
  ]) {
    await page.keyboard.press("Control+k");
    await page.fill(".search input", words);
    await page.waitForSelector("#found li");
    await page.keyboard.press("Enter");
    await page.waitForFunction((wanted) => location.pathname === wanted, address);
    if (heading !== null) await page.waitForFunction((wanted) => document.querySelector("main h1")?.textContent === wanted, heading);
    assert.equal(await page.isVisible(".search"), false);
  }
  await page.goBack();
  await page.waitForFunction(() => location.pathname.endsWith("/errors/nonce_reused"));
  await close();
});

test("each error code of the platform has its page", async () => {
  const { items } = await (await fetch(`${demo.address}/v1/public/errors`)).json();
  const { page, close } = await visit("/errors");
  const shown = await page.$$eval(".codes code", (codes) => codes.map((code) => code.textContent));
  assert.deepEqual(shown.sort(), items.map(({ code }) => code).sort());
  await close();
});

test("a public operation runs from its page, and its answer is this server's", async () => {
  const { page, errors, close } = await visit("/api/read_status");
  await page.click('.try button[type="submit"]');
  await page.waitForSelector('.try [role="status"] pre');
  const said = await page.textContent('.try [role="status"] pre code');
  assert.match(said, /"sandbox": true/);
  assert.match(said, /request-id: req_/);
  assert.deepEqual(errors, []);
  await close();
});

test("a signed operation is signed in the page: the platform knows no such merchant, and says so", async () => {
  const guide = await readFile(new URL("../../docs/guides/signing-requests.md", import.meta.url), "utf8");
  const [key] = /-----BEGIN PRIVATE KEY-----[^`]+/.exec(guide);
  const { page, close } = await visit("/api/create_order");
  await page.fill('[placeholder="mch_…"]', "mch_06f3k1v8q0m2r4t6w8y0a2c4e0");
  await page.fill('[placeholder="-----BEGIN PRIVATE KEY-----"]', key);
  const asked = page.waitForRequest("**/v1/merchant/orders");
  await page.click('.try button[type="submit"]');
  const { authorization } = (await asked).headers();
  assert.match(authorization, /^JIALING1-ED25519 mchid="mch_06f3k1v8q0m2r4t6w8y0a2c4e0",serial_no="06e3fd8fda29bb60",timestamp="\d{10}",nonce_str="[0-9a-f]{32}",signature="[A-Za-z0-9+/]{86}=="$/);
  await page.click('.try a[href="/developers/errors/key_unknown"]');
  await page.waitForFunction(() => document.querySelector("main h1").textContent === "key_unknown");
  await close();
});

test("the signature debugger verifies the guide's example, and names the mistake that was made", async () => {
  const { page, errors, close } = await visit("/signatures");
  await page.click(".calls button");
  await page.waitForSelector('.verdict[data-good="true"]');
  assert.match(await page.textContent(".debugger section .soft"), /174 字节/);
  const [, body] = await page.$$(".debugger textarea");
  const sent = await body.inputValue();
  await body.fill(JSON.stringify(JSON.parse(sent), null, 2));
  await page.waitForSelector('.verdict[data-good="false"]');
  assert.match(await page.textContent(".verdict"), /重新序列化/);
  await checkPage(page, "developers-signatures-mistake");
  await body.fill(sent);
  await page.waitForSelector('.verdict[data-good="true"]');
  assert.deepEqual(errors, []);
  await close();
});

test("the status shows this server's own figures, and says when it is gone", async () => {
  const { page, close } = await visit("/status");
  await page.waitForSelector('.health[data-face="operational"]');
  const { records } = await (await fetch(`${demo.address}/v1/public/status`)).json();
  assert.ok((await page.textContent(".figures")).includes(records.toLocaleString("en-US")));
  await page.route("**/v1/public/status", (route) => route.abort());
  await page.waitForSelector('.health[data-face="lost"]');
  await close();
});

test("feedback is checked, sent once, and kept when no answer comes", async () => {
  const { page, errors, close } = await visit("/feedback", { width: 390, touch: true });
  await page.click('.letter button[type="submit"]');
  await page.waitForSelector("#topic-fault");
  assert.equal(await page.evaluate(() => document.activeElement.id), "topic");
  assert.equal(await page.getAttribute("#text", "aria-invalid"), "true");
  await checkPage(page, "developers-feedback-faults");
  await page.selectOption("#topic", "DOCUMENTS");
  await page.fill("#text", "第二步的 curl 少了引号。");
  await page.fill("#contact", "dev@shop.example");
  await page.route("**/v1/public/feedback", (route) => route.abort(), { times: 1 });
  await page.click('.letter button[type="submit"]');
  await page.waitForSelector(".notice.bad");
  assert.equal(await page.inputValue("#text"), "第二步的 curl 少了引号。");
  await page.click('.letter button[type="submit"]');
  await page.waitForSelector(".notice.done");
  assert.match(await page.textContent(".notice.done code"), /^fbk_/);
  await checkPage(page, "developers-feedback-done");
  assert.deepEqual(errors.filter((error) => !/ERR_FAILED|Failed to load resource/.test(error)), []);
  await close();
});

test("a deep link leads to its heading, and the language is kept", async () => {
  const { page, close } = await visit("/docs/guides/cashier#what-keeps-it-safe", { locale: "en-US" });
  await page.waitForSelector("#what-keeps-it-safe");
  await page.waitForFunction(() => Math.abs(document.getElementById("what-keeps-it-safe").getBoundingClientRect().top) < 200);
  await page.click("text=中文");
  await page.goto(`${demo.address}/developers/`);
  await page.waitForSelector("main h1");
  assert.equal(await page.evaluate(() => document.documentElement.lang), "zh-CN");
  await close();
});
