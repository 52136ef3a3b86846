// Every screen of the wallet at a phone's width, in each look and both languages, for people to look at:
// `make screens` writes them to screens/wallet, which is not kept. Each is checked by axe-core on the way.

import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";

import { openTown } from "./wallet-town.mjs";

const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const LOOKS = [
  ["light-zh", { language: "zh" }, { theme: "light" }],
  ["dark-en", { language: "en" }, { theme: "dark" }],
  ["elder-zh", { language: "zh" }, { theme: "light", elder: true, size: 24 }],
  ["light-en", { language: "en" }, { theme: "light" }],
  ["dark-zh", { language: "zh" }, { theme: "dark" }],
  ["elder-en", { language: "en" }, { theme: "dark", elder: true, size: 30 }],
];
const DOOR = ["/", "/sign-up", "/sign-in", "/recover", "/help", "/settings"];
const PLACES = ["/", "/scan", "/receive", "/transfer", "/transfers", "/topup", "/withdraw", "/exchange/top_up", "/links", "/links/new", "/records", "/month", "/export", "/verify", "/wallets", "/mandates", "/mandates/new", "/debits", "/confirmations", "/acts", "/me", "/security", "/pin", "/devices", "/sessions", "/freeze", "/identity", "/limits", "/passkeys", "/authenticator", "/approve", "/log", "/bind", "/privacy", "/close", "/notices", "/help", "/help/classes", "/settings", "/packets", "/packets/new", "/requests", "/requests/new", "/splits", "/splits/new", "/tickets", "/tickets/new", "/coming/bills", "/nowhere"];

await mkdir("screens/wallet", { recursive: true });
const only = process.argv[2];
const town = await openTown();
const found = new Map();

/** Shows one page and looks at it. */
async function shoot(person, look, path, name = path.replaceAll("/", "_")) {
  const { page } = person;
  if (path !== null) await page.goto(`${town.address}/wallet${path}`);
  await page.waitForSelector("main");
  await page.waitForFunction(() => !document.querySelector(".busy"), null, { timeout: 8_000 }).catch(() => {});
  // As tall as the page is, so that the tabs at its foot cover nothing that a phone would scroll to.
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  await page.setViewportSize({ width: 390, height: Math.max(844, height) });
  await page.screenshot({ path: `screens/wallet/${look}${name}.png` });
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"] }));
  const sideways = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  for (const { id, nodes } of violations) found.set(`${look} ${name} ${id}`, nodes[0].html.slice(0, 160));
  if (sideways) found.set(`${look} ${name} sideways`, "");
  await page.setViewportSize({ width: 390, height: 844 });
}

async function dress(person, { language }, look) {
  await person.page.evaluate(([spoken, kept]) => {
    localStorage.setItem("language", spoken);
    localStorage.setItem("wallet-look", JSON.stringify(kept));
  }, [language, look]);
}

try {
  const stranger = await town.meet("陌生人");
  await stranger.open("/");
  const person = await town.meet("欧阳江小明");
  await person.arrive();
  await person.upgrade();
  await person.link();
  await person.topUp("1688.50");
  const paid = [];
  for (const [amount, what] of [[1250, "磁器口麻花两斤"], [3800, "老火锅双人套餐（含毛肚、鸭肠、贡菜和唯怡豆奶）"], [120000, "住宿"]]) {
    const order = await town.shop.order(amount, what);
    await person.open(`/pay?code=${encodeURIComponent(order.qr_code)}`);
    await person.page.locator(".foot button").click();
    if (amount > 100_000) await person.page.getByLabel("支付密码").fill(person.pin);
    await person.verdict();
    paid.push(await town.shop.merchant.orders.get(order.id));
  }
  await town.shop.giveBack(paid[1].id, 800);
  const order = await town.shop.order(4_680, "小面加煎蛋");
  for (const [look, spoken, kept] of LOOKS.filter(([name]) => only === undefined || name === only)) {
    await dress(stranger, spoken, kept);
    for (const path of DOOR) await shoot(stranger, look, path, `_door${path.replaceAll("/", "_")}`);
    await dress(person, spoken, kept);
    for (const path of PLACES) await shoot(person, look, path);
    await shoot(person, look, `/pay?code=${encodeURIComponent(order.qr_code)}`, "_pay");
    await shoot(person, look, `/record/${paid[0].transaction_id}`, "_record");
    await person.page.locator("main button.primary").first().click();
    await person.page.waitForSelector("[data-held]");
    await shoot(person, look, null, "_record_verified");
    await person.page.goto(`${town.address}/wallet/code`);
    await person.page.waitForSelector("svg.qr, main button.primary");
    if (await person.page.locator("svg.qr").count() === 0) {
      await shoot(person, look, null, "_code_off");
      await person.page.locator("main button.primary").click();
      await person.page.waitForSelector("svg.qr");
    }
    await shoot(person, look, null, "_code");
    await person.page.locator(".grid-2 button").nth(1).click();
    await shoot(person, look, null, "_code_bars");
  }
} finally {
  await town.close();
}
for (const [where, what] of found) console.log(where, what);
console.log(`${found.size} findings`);
process.exitCode = found.size === 0 ? 0 : 1;
