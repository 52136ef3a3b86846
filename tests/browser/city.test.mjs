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
async function open({ width, height = 900, locale = "zh-CN", colorScheme = "light" }) {
  const context = await browser.newContext({ viewport: { width, height }, locale, colorScheme });
  const page = await context.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  page.on("request", (request) => request.url().startsWith(demo.address) || request.url().startsWith("data:") || errors.push(`asked ${request.url()}`));
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
