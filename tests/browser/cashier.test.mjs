// The cashier as a payer meets it, and the drop-in script from a shop's page of another origin. The page
// and the script come from the binary; the order is played here, so that every state is reached at will.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";

import { checkPage, startBrowser } from "./chromium.mjs";
import { startDemo } from "./demo.mjs";

const TOKEN = "06f3k1v8q0m2r4t6w8y0a2c4e0";

let demo;
let browser;
let shop;

before(async () => {
  [demo, browser] = await Promise.all([startDemo("--no-traffic", "--people", "2", "--shops", "1", "--banks", "1"), startBrowser()]);
  shop = await startShop(demo.address);
});

after(async () => {
  await browser?.stop();
  await demo?.stop();
  shop?.stop();
});

/** A shop's server: a page with the drop-in script, and where the payer comes back to. */
async function startShop(platform) {
  const page = `<!doctype html><html lang="zh-CN"><title>Shop</title><body><h1>Shop</h1><button id="pay">Pay</button><p id="outcome"></p><p id="states"></p>
    <script src="${platform}/cashier/jialing-pay.js"></script><script>
    JialingPay.on("state", ({ state }) => { states.textContent += state + " "; });
    pay.onclick = async () => { const mode = new URLSearchParams(location.search).get("mode") ?? "auto";
      try { const { outcome: came, order_id } = await JialingPay.open(new URLSearchParams(location.search).get("cashier"), { mode });
        outcome.textContent = came + " " + order_id; } catch (error) { outcome.textContent = String(error); } };
    </script></body></html>`;
  const server = createServer((_, response) => response.writeHead(200, { "content-type": "text/html" }).end(page));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = `http://127.0.0.1:${server.address().port}`;
  return { address, stop: () => server.close() };
}

/** An order that the test moves from state to state; long polls hear of it. */
class Order {
  #waiting = [];
  #failing = false;
  state = "NOTPAY";

  constructor(change = {}) {
    this.shown = {
      order_id: "ord_06f3k1v8q0m2r4t6w8y0a2c4e0",
      amount: { amount: 1250, currency: "CNY" },
      description: "麻花两斤",
      merchant: { name_zh: "磁器口麻花", name_en: "Ciqikou Twists", mcc: "5812" },
      qr_code: "00020101021226580014cn.jialing.pay0136ord_06f3k1v8q0m2r4t6w8y0a2c4e05303156540512.506304A13A",
      app_link: "jialing://pay?code=1",
      expires_at: new Date(Date.now() + 600_000).toISOString(),
      return_url: `${shop.address}/thanks`,
      ...change,
    };
  }

  async serve(context) {
    await context.route("**/v1/public/cashier/**", async (route) => {
      const asked = new URL(route.request().url()).searchParams;
      if (this.#failing) return route.abort("connectionfailed");
      if (asked.get("seen") === this.state) await new Promise((resolve) => this.#waiting.push(resolve));
      if (this.#failing) return route.abort("connectionfailed");
      // The page may have gone meanwhile; then nobody hears.
      await route.fulfill({ json: { ...this.shown, state: this.state }, headers: { "access-control-allow-origin": "*" } }).catch(() => {});
    });
  }

  become(state, failing = false) {
    [this.state, this.#failing] = [state, failing];
    for (const answer of this.#waiting.splice(0)) answer();
  }
}

async function cashier(look, change) {
  const opened = await browser.open(look, [demo.address, shop.address]);
  const order = new Order(change);
  await order.serve(opened.context);
  await opened.page.goto(`${demo.address}/cashier/${TOKEN}`);
  await opened.page.waitForSelector('main:not([data-face="loading"])');
  return { ...opened, order, face: (face) => opened.page.waitForSelector(`main[data-face="${face}"]`) };
}

for (const look of [{ width: 390, touch: true }, { width: 390, touch: true, locale: "en-US", colorScheme: "dark" }, { width: 1440, colorScheme: "light" }, { width: 1440, locale: "en-US", colorScheme: "dark" }]) {
  const { width, locale = "zh-CN", colorScheme = "light" } = look;
  test(`an order is shown, paid, and left for the shop at ${width} px, ${locale}, ${colorScheme}`, async () => {
    const { page, order, face, errors, close } = await cashier(look);
    await face("waiting");
    assert.equal(await page.textContent("#amount"), "¥12.50");
    assert.equal(await page.textContent("#merchant"), locale === "zh-CN" ? "磁器口麻花" : "Ciqikou Twists");
    assert.match(await page.textContent("#left"), /^(10:00|9:5\d)$/);
    assert.equal(await page.isVisible("#code svg"), width > 500, "a desk shows the code, a phone folds it away");
    assert.equal(await page.isVisible("#wallet"), width < 500);
    await checkPage(page, `cashier-waiting-${width}-${locale}-${colorScheme}`);
    order.become("USERPAYING");
    await face("paying");
    order.become("SUCCESS");
    await face("paid");
    assert.match(await page.textContent("#spoken"), /¥12\.50/);
    await checkPage(page, `cashier-paid-${width}-${locale}-${colorScheme}`);
    // The page goes back by itself after five seconds; that is waited for once, and asked for otherwise.
    if (look.colorScheme) await page.click("#back");
    await page.waitForURL(`${shop.address}/thanks`);
    assert.deepEqual(errors, []);
    await close();
  });
}

test("every other end is told: expired, closed, taken back, failed, unknown", async () => {
  const past = { expires_at: new Date(Date.now() - 1000).toISOString() };
  for (const [state, change, shown] of [["CLOSED", past, "expired"], ["CLOSED", {}, "closed"], ["REVOKED", {}, "revoked"], ["PAYERROR", {}, "failed"], ["NOTPAY", past, "checking"]]) {
    const { page, order, face, close } = await cashier({ width: 390, touch: true }, change);
    order.become(state);
    await face(shown);
    await checkPage(page, `cashier-${shown}`);
    assert.equal(await page.getAttribute("#back", "href"), `${shop.address}/thanks`);
    await close();
  }
  const { page, close } = await browser.open({ width: 390 }, [demo.address]);
  await page.route("**/v1/public/cashier/**", (route) => route.fulfill({ status: 404, json: { code: "not_found", status: 404, title: "", retryable: false } }));
  await page.goto(`${demo.address}/cashier/nonsense`);
  await page.waitForSelector('main[data-face="missing"]');
  await checkPage(page, "cashier-missing");
  await close();
});

test("a lost network is said, and the order is found again by itself or at once", async () => {
  const { page, order, face, close } = await cashier({ width: 1440 });
  await face("waiting");
  order.become("NOTPAY", true);
  await page.waitForSelector("#line:not([hidden])");
  assert.match(await page.textContent("#line"), /不要重复付款/);
  await checkPage(page, "cashier-lost");
  order.become("USERPAYING");
  await page.click("#retry");
  await face("paying");
  await page.waitForSelector("#line", { state: "hidden" });
  await close();
});

test("everything is reached by keyboard, the language is kept, and a paid order can be stayed with", async () => {
  const { page, order, face, close } = await cashier({ width: 390, touch: true });
  await page.focus("#language");
  await page.keyboard.press("Enter");
  assert.match(await page.title(), /Jialing Cashier/);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.id), "wallet");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  assert.equal(await page.isVisible("#code svg"), true, "the code unfolds");
  assert.equal(await page.getAttribute("#toggle", "aria-expanded"), "true");
  await page.reload();
  assert.match(await page.title(), /Jialing Cashier/);
  order.become("SUCCESS");
  await face("paid");
  await page.click("#stay");
  await page.waitForSelector("#soon", { state: "hidden" });
  assert.equal(await page.evaluate(() => document.activeElement.id), "outcome");
  await close();
});

test("an address that would run something is never gone to", async () => {
  const { page, order, face, close } = await cashier({ width: 1440 }, { return_url: "javascript:document.title='run'", app_link: "javascript:1" });
  order.become("SUCCESS");
  await face("paid");
  assert.equal(await page.isVisible("#back"), false);
  assert.equal(await page.isVisible("#soon"), false);
  await close();
});

/** A shop's page with the script, and the order behind it. */
async function atTheShop(look, mode, change) {
  const opened = await browser.open(look, [demo.address, shop.address]);
  const order = new Order(change);
  await order.serve(opened.context);
  await opened.page.goto(`${shop.address}/?mode=${mode}&cashier=${encodeURIComponent(`${demo.address}/cashier/${TOKEN}`)}`);
  return { ...opened, order };
}

test("the drop-in script opens a window, hears its states, and answers that the order is paid", async () => {
  const { page, order, errors, close } = await atTheShop({ width: 1440 }, "auto");
  const opening = page.waitForEvent("popup");
  await page.click("#pay");
  const popup = await opening;
  await popup.waitForSelector('main[data-face="waiting"]');
  await page.screenshot({ path: "screens/pay-overlay.png" });
  order.become("SUCCESS");
  await popup.waitForSelector('main[data-face="paid"]');
  await popup.click("#close");
  await page.waitForFunction(() => outcome.textContent !== "");
  assert.equal(await page.textContent("#outcome"), "paid ord_06f3k1v8q0m2r4t6w8y0a2c4e0");
  assert.equal(await page.textContent("#states"), "NOTPAY SUCCESS ");
  assert.deepEqual(errors, []);
  await close();
});

test("the script tells a payer who turned away from one who paid and closed the window at once", async () => {
  for (const [state, outcome] of [["NOTPAY", "dismissed"], ["SUCCESS", "paid"]]) {
    // Without a return address nobody is sent messages: the platform is asked when the window is gone.
    const { page, order, close } = await atTheShop({ width: 1440 }, "popup", { return_url: null });
    const opening = page.waitForEvent("popup");
    await page.click("#pay");
    const popup = await opening;
    await popup.waitForSelector('main[data-face="waiting"]');
    order.become(state);
    await popup.close();
    await page.waitForFunction(() => document.getElementById("outcome").textContent !== "");
    assert.equal(await page.textContent("#outcome"), `${outcome} ord_06f3k1v8q0m2r4t6w8y0a2c4e0`);
    assert.equal(await page.textContent("#states"), "");
    await close();
  }
});

test("on a phone the page itself goes to the cashier", async () => {
  const { page, close } = await atTheShop({ width: 390, touch: true }, "auto");
  await page.click("#pay");
  await page.waitForURL(`${demo.address}/cashier/${TOKEN}`);
  await close();
});

test("another shop's page hears nothing of the order, and no other platform's address is opened", async () => {
  const { page, order, context, close } = await atTheShop({ width: 1440 }, "popup", { return_url: "https://somebody.else.example/thanks" });
  const opening = page.waitForEvent("popup");
  await page.click("#pay");
  const popup = await opening;
  await popup.waitForSelector('main[data-face="waiting"]');
  order.become("USERPAYING");
  await popup.waitForSelector('main[data-face="paying"]');
  assert.equal(await page.textContent("#states"), "");
  const other = await context.newPage();
  await other.goto(`${shop.address}/?cashier=${encodeURIComponent(`https://evil.example/cashier/${TOKEN}`)}`);
  await other.click("#pay");
  await other.waitForFunction(() => document.getElementById("outcome").textContent.startsWith("TypeError"));
  await close();
});

test("no page may frame the cashier, and any may load the script", async () => {
  const page = await fetch(`${demo.address}/cashier/${TOKEN}`);
  assert.match(page.headers.get("content-security-policy"), /frame-ancestors 'none'/);
  assert.equal(page.headers.get("x-frame-options"), "DENY");
  assert.equal(page.headers.get("referrer-policy"), "no-referrer");
  const script = await fetch(`${demo.address}/cashier/jialing-pay.js`);
  assert.equal(script.headers.get("cross-origin-resource-policy"), "cross-origin");
  assert.equal(script.headers.get("content-encoding"), "gzip");
  assert.ok((await script.text()).length < 10_000);
});
