// Chromium as a reader meets the pages: without anything from elsewhere, and with axe-core at hand.

import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { chromium } from "playwright-core";

const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

/** A browser with a profile of its own, started with `flags` besides; `stop` removes both. */
export async function startBrowser(...flags) {
  await mkdir("screens", { recursive: true });
  const profile = await mkdtemp(join(tmpdir(), "jialing-chromium-"));
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: [...FLAGS, ...flags], env: { ...process.env, HOME: profile } });
  return {
    /** A page and every error that it met; `allowed` are the only origins that it may ask. */
    async open({ width = 1440, locale = "zh-CN", colorScheme = "light", touch = false, reducedMotion = "reduce" }, allowed) {
      const viewport = { width, height: width < 500 ? 844 : 900 };
      const context = await browser.newContext({ viewport, locale, colorScheme, hasTouch: touch, isMobile: touch, reducedMotion });
      const errors = [];
      const watch = (page) => {
        page.on("pageerror", (error) => errors.push(String(error)));
        page.on("request", (request) => {
          const { origin, protocol } = new URL(request.url());
          if (!allowed.includes(origin) && protocol !== "data:") errors.push(`asked ${request.url()}`);
        });
      };
      context.on("page", watch);
      const page = await context.newPage();
      return { context, page, errors, close: () => context.close() };
    },
    async stop() {
      await browser.close();
      await rm(profile, { recursive: true, force: true });
    },
  };
}

/** What everybody may expect of a page: nothing sideways, and nothing that axe-core finds. */
export async function checkPage(page, screen) {
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false, `${screen}: the page must not scroll sideways`);
  await page.screenshot({ path: `screens/${screen}.png` });
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"] }));
  assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes[0].html]), [], screen);
}
