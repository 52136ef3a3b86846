// The city page as a person meets it: in Chromium, at a phone's and a desk's width.

import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { chromium } from "playwright-core";

import { startDemo } from "./demo.mjs";

const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

let demo;
let browser;
let profile;

before(async () => {
  demo = await startDemo("--traffic", "5");
  await mkdir("screens", { recursive: true });
  profile = await mkdtemp(join(tmpdir(), "jialing-chromium-"));
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS, env: { ...process.env, HOME: profile } });
});

after(async () => {
  await browser?.close();
  await demo?.stop();
  if (profile) await rm(profile, { recursive: true, force: true });
});

/** A page with payments on it, and every error that it met. */
async function open({ width, height = 900, locale = "zh-CN", colorScheme = "light", prepare }) {
  const context = await browser.newContext({ viewport: { width, height }, locale, colorScheme });
  const page = await context.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  page.on("request", (request) => request.url().startsWith(demo.address) || request.url().startsWith("data:") || errors.push(`asked ${request.url()}`));
  await prepare?.(page);
  await page.goto(demo.address);
  await page.waitForSelector("#payments li");
  return { page, errors, close: () => context.close() };
}

for (const [width, locale, colorScheme] of [[390, "zh-CN", "light"], [390, "en-US", "dark"], [1440, "zh-CN", "light"], [1440, "en-US", "dark"]]) {
  test(`the city is whole at ${width} px, ${locale}, ${colorScheme}`, async () => {
    const { page, errors, close } = await open({ width, locale, colorScheme });
    assert.match(await page.textContent("#circulating"), /^¥[\d,]+\.\d\d$/);
    assert.match(await page.textContent("#balance"), locale === "zh-CN" ? /分毫不差/ : /exact to the fen/);
    assert.match(await page.textContent("#root"), /^[A-Za-z0-9+/]{43}=$/);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false, "the page must not scroll sideways");
    await page.screenshot({ path: `screens/city-${width}-${locale}-${colorScheme}.png`, fullPage: true });
    await page.evaluate(AXE);
    const { violations } = await page.evaluate(() => axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"] }));
    assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes[0].html]), []);
    assert.deepEqual(errors, []);
    await close();
  });
}

test("a receipt is verified in the browser, and one changed fen is found", async () => {
  const { page, errors, close } = await open({ width: 390 });
  await page.click("#payments li button");
  await page.waitForSelector("#facts dd");
  await page.click("#verify");
  await page.waitForSelector('#verdict[data-proven="yes"]', { timeout: 15_000 });
  assert.equal(await page.locator('#steps li[data-done="yes"]').count(), 5);
  assert.match(await page.textContent("#verdict"), /它证明：.*它不证明：/s);
  await page.screenshot({ path: "screens/receipt-390.png" });
  await page.click("#tamper");
  await page.waitForSelector('#verdict[data-proven="no"]');
  await page.screenshot({ path: "screens/receipt-tampered-390.png" });
  await page.keyboard.press("Escape");
  assert.equal(await page.isVisible("#receipt"), false);
  assert.deepEqual(errors, []);
  await close();
});

test("everything is reached by keyboard, and the language is kept", async () => {
  const { page, close } = await open({ width: 1440 });
  await page.click("#pause");
  await page.focus("#language");
  await page.keyboard.press("Enter");
  assert.match(await page.title(), /digital yuan/);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.closest("#payments") !== null), true, "the first payment follows the language button");
  await page.keyboard.press("Enter");
  await page.waitForSelector("#receipt[open]");
  await page.reload();
  assert.match(await page.title(), /digital yuan/);
  await close();
});

test("new payments appear by themselves", async () => {
  const { page, close } = await open({ width: 1440 });
  const first = await page.getAttribute("#payments li:first-child button", "aria-label");
  await page.waitForFunction((was) => document.querySelector("#payments li:first-child button").getAttribute("aria-label") !== was, first, { timeout: 20_000 });
  await close();
});

/** Answers with the vectors of a day's supply, as a platform does that is older than a day. */
async function anotherDay(page, { ledger, total }, change = (file) => file) {
  const answer = (json) => (route) => route.fulfill({ json });
  const books = [{ holder: 1, institution: "PBC" }, { holder: 2, institution: "BKB" }];
  await page.route("**/v1/public/keys", answer({ ledger: [{ verifier_key: ledger }] }));
  await page.route("**/v1/public/supply/proofs?limit=1", answer({ items: [{ day: "2026-11-21", books }], has_more: false }));
  await page.route("**/v1/public/supply/proofs/2026-11-21", answer(change(structuredClone(total))));
}

test("the proof of supply is verified in the browser, and so is one's own balance", async () => {
  const vectors = JSON.parse(await readFile(new URL("../vectors/supply/sha256-ed25519.json", import.meta.url), "utf8"));
  const { page, errors, close } = await open({ width: 390, prepare: (page) => anotherDay(page, vectors) });
  await page.waitForFunction(() => document.querySelector("#proof-day").textContent === "2026-11-21");
  assert.match(await page.textContent("#proof-held"), /^✓/);
  assert.match(await page.textContent("#proof-digest"), /^[0-9a-f]{64}$/);
  assert.match(await page.textContent("#proof-books"), /PBC¥[\d,.]+ · 11 个账户/);
  const choose = (value) => page.setInputFiles("#proof-file", { name: "proof.json", mimeType: "application/json", buffer: Buffer.from(value) });
  await choose(JSON.stringify(vectors.balance));
  await page.waitForSelector('#proof-verdict[data-proven="yes"]');
  await page.locator("#proof").screenshot({ path: "screens/proof-390.png" });
  const richer = structuredClone(vectors.balance);
  richer.balance.amount += 1;
  await choose(JSON.stringify(richer));
  await page.waitForSelector('#proof-verdict[data-proven="no"]');
  await choose(JSON.stringify(vectors.balance));
  await page.waitForSelector('#proof-verdict[data-proven="yes"]');
  await choose("not a proof");
  await page.waitForSelector('#proof-verdict[data-proven="no"]');
  assert.match(await page.textContent("#proof-verdict"), /不是证明文件/);
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false, "the page must not scroll sideways");
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"] }));
  assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes[0].html]), []);
  assert.deepEqual(errors, []);
  await close();
});

test("a statement that does not add up is shown as broken", async () => {
  const vectors = JSON.parse(await readFile(new URL("../vectors/supply/sha256-ed25519.json", import.meta.url), "utf8"));
  const change = (file) => ({ ...file, statement: file.statement.replace("redeemed 5 ", "redeemed 4 ") });
  const { page, close } = await open({ width: 1440, locale: "en-US", prepare: (page) => anotherDay(page, vectors, change) });
  await page.waitForSelector("#proof-held[data-broken]");
  assert.match(await page.textContent("#proof-held"), /does not hold/);
  await close();
});
