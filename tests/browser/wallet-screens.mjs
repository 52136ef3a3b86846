// Every screen of the wallet at a phone's width, in each look and both languages, for people to look at:
// `make screens` writes them to screens/wallet, which is not kept. Each is checked by axe-core on the way.

import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";

import { totp } from "./totp.mjs";
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
let screens = 0;

/** What somebody sees who has nothing yet. */
const EMPTY = ["/", "/records", "/transfers", "/packets", "/requests", "/splits", "/tickets", "/passkeys", "/authenticator", "/approve", "/log", "/privacy", "/close", "/limits"];
const LONG_NOTE = "周五火锅、周六露营的帐篷和炭火、周日回程的油费和过路费，一共是这么多，发票都在我这里，回头给你看";

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
  screens += 1;
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

/** Sends a red packet, and answers its link. */
async function packet(person, yuan, shares) {
  await person.open("/packets/new");
  await person.fill("总金额", yuan);
  await person.fill("个数", shares);
  await person.fill("祝福语", "祝大家新的一年平平安安、步步高升、万事如意、财源广进，年年有余！");
  await person.press("下一步");
  await person.press("塞钱进红包");
  await person.fill("支付密码", person.pin);
  await person.verdict();
  return person.page.locator("[data-link]").getAttribute("data-link");
}

async function choosePerson(person, wallet) {
  await person.press("钱包编号");
  await person.fill("对方的钱包编号", wallet);
  await person.press("查找");
}

async function request(person, wallet, yuan, note) {
  await person.open("/requests/new");
  await choosePerson(person, wallet);
  await person.fill("请款金额", yuan);
  await person.fill("为了什么", note);
  await person.press("发出");
  await person.page.getByText("已发出").waitFor();
}

async function split(person, wallet) {
  await person.open("/splits/new");
  await person.fill("账单名称", "缙云山露营三天两夜（帐篷、炭火、食材、油费和过路费）");
  await person.fill("总金额", "1234.56");
  await person.press("添加一个人");
  await choosePerson(person, wallet);
  await person.press("发给大家");
  await person.page.getByText("等待付款").waitFor();
}

/** A transfer that arrives tomorrow. */
async function delayed(person, wallet) {
  await person.open("/transfer");
  await choosePerson(person, wallet);
  await person.fill("转账金额", "66.66");
  await person.page.getByLabel("我确认就是").check();
  await person.page.getByLabel("24 小时后到账").check();
  await person.press("下一步");
  await person.press("确认转出");
  await person.fill("支付密码", person.pin);
  await person.page.waitForSelector("[data-verdict]:not([data-verdict=wait])");
}

async function ticket(person, order) {
  await person.open(`/tickets/new?topic=CONTEST_PAYMENT&subject=${order}`);
  await person.fill("请说明情况", "麻花没有送到。我在磁器口等了半小时，店里的人说没有看到这一单，可是钱已经付了，请帮我查一查。");
  await person.press("提交");
  await person.page.getByText("等待回复").waitFor();
  return new URL(person.page.url()).pathname.slice("/wallet".length);
}

/** Limits of one's own, of which the higher one waits for tomorrow. */
async function limits(person) {
  await person.open("/limits");
  for (const yuan of ["800", "1200"]) {
    await person.fill("每天最多", yuan);
    await person.press("保存");
    await person.page.getByText("已保存").waitFor();
    await person.page.reload();
  }
  await person.page.getByText("起生效").waitFor();
}

/** A proof by what only this person has: a code of the phone, where it is asked for. */
async function prove(person, again) {
  const asked = person.page.getByRole("button", { name: "获取验证码" });
  await asked.or(person.page.locator(".list .danger, .paper svg.qr")).first().waitFor();
  if ((await asked.count()) === 0) return;
  await asked.click();
  await person.fill("短信验证码", await person.code());
  await person.page.getByRole("button", { name: again }).last().click();
}

async function passkey(person) {
  const client = await person.context.newCDPSession(person.page);
  await client.send("WebAuthn.enable");
  await client.send("WebAuthn.addVirtualAuthenticator", {
    options: { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
  });
  await person.open("/passkeys");
  await person.fill("名称", "欧阳江小明放在办公室抽屉里备用的那把安全密钥");
  await person.press("添加通行密钥");
  await prove(person, "添加通行密钥");
  await person.page.getByRole("button", { name: "移除" }).waitFor();
}

/** Switches the authenticator on, and answers its recovery codes. */
async function authenticator(person) {
  await person.open("/authenticator");
  await person.press("启用验证器");
  await prove(person, "启用验证器");
  await person.fill("输入应用显示的 6 位数字", await totp(await person.page.locator(".mono.center").innerText()));
  await person.press("确认");
  return recoveryCodes(person);
}

const recoveryCodes = async (person) => {
  const codes = person.page.locator(".card li.mono");
  await codes.nth(9).waitFor();
  return codes.allInnerTexts();
};

/** A session of the same person on a device that is not theirs yet. */
async function otherPhone(person) {
  const phone = await town.meet(person.name);
  await phone.open("/sign-in");
  await phone.fill("手机号", person.phone);
  await phone.page.getByLabel("登录密码").fill(person.password);
  await phone.press("获取验证码");
  await phone.fill("短信验证码", await person.code());
  await phone.page.getByLabel("把本机绑定到我的账户").uncheck();
  await phone.page.getByRole("button", { name: "登录", exact: true }).click();
  await phone.page.waitForSelector(".balance");
  return phone;
}

/** The new device asks, the old one is asked, and says no. */
async function approval(look, person, phone) {
  await phone.page.goto(`${town.address}/wallet/bind`);
  await phone.page.locator("main > button.primary").click();
  await phone.page.waitForSelector("[data-number]");
  await shoot(phone, look, null, "_bind_asked");
  await person.page.goto(`${town.address}/wallet/approve`);
  await person.page.waitForSelector(".pin");
  await shoot(person, look, null, "_approve_asked");
  await person.page.locator(".card button.danger").click();
  await person.page.waitForSelector(".tip.good");
  await shoot(person, look, null, "_approve_refused");
  await phone.page.waitForSelector(".tip.bad");
  await shoot(phone, look, null, "_bind_refused");
}

/** The authenticator's secret, then new recovery codes for one of the old. Answers the new ones. */
async function secrets(look, person, other, codes) {
  await other.page.goto(`${town.address}/wallet/authenticator`);
  await other.page.locator("main > button.primary").click();
  await other.page.waitForSelector(".paper svg.qr, main form");
  await shoot(other, look, null, "_authenticator_secret");
  await person.page.goto(`${town.address}/wallet/authenticator`);
  await person.page.locator("main > button").first().click();
  await shoot(person, look, null, "_authenticator_factor");
  await person.page.locator(".card .chips button").nth(2).click();
  await person.page.locator(".card input").fill(codes[0]);
  await person.page.locator(".card button.primary").click();
  const renewed = await recoveryCodes(person);
  await shoot(person, look, null, "_authenticator_codes");
  return renewed;
}

/** The same pages when nothing answers. */
async function silence(look, person) {
  const lists = "**/v1/wallet/{red-packets,payment-requests,bill-splits,tickets,passkeys,security-log,transfers}**";
  await person.page.route(lists, (route) => route.abort("connectionfailed"));
  for (const path of ["/packets", "/requests", "/splits", "/tickets", "/passkeys", "/log", "/transfers"]) await shoot(person, look, path, `_unanswered${path.replaceAll("/", "_")}`);
  await person.page.unroute(lists);
}

try {
  const stranger = await town.meet("陌生人");
  await stranger.open("/");
  const newcomer = await town.meet("何新");
  await newcomer.arrive();
  const other = await town.meet("司马何小红红");
  await other.arrive();
  await other.upgrade();
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
  const [mine, theirs] = [await person.walletId(), await other.walletId()];
  const opened = await packet(person, "88.88", "3");
  await other.page.goto(opened);
  await other.press("开");
  await other.page.getByText("已存入钱包").waitFor();
  const unopened = await packet(person, "199.99", "1");
  await request(other, mine, "98765.43", LONG_NOTE);
  await request(person, theirs, "15", "奶茶");
  await split(person, theirs);
  await delayed(person, theirs);
  const asked = await ticket(person, paid[0].id);
  await passkey(person);
  let codes = await authenticator(person);
  const phone = await otherPhone(person);
  await limits(person);
  const order = await town.shop.order(4_680, "小面加煎蛋");
  const below = async (person, list) => {
    await person.open(list);
    return person.page.locator(`main .list a[href*="${list}/"]`).first().getAttribute("href").then((address) => address.slice("/wallet".length));
  };
  const [sent, bill] = [await below(person, "/packets"), await below(person, "/splits")];
  for (const [look, spoken, kept] of LOOKS.filter(([name]) => only === undefined || name === only)) {
    await dress(stranger, spoken, kept);
    for (const path of DOOR) await shoot(stranger, look, path, `_door${path.replaceAll("/", "_")}`);
    await dress(newcomer, spoken, kept);
    for (const path of EMPTY) await shoot(newcomer, look, path, `_new${path.replaceAll("/", "_")}`);
    for (const one of [other, phone, person]) await dress(one, spoken, kept);
    for (const path of PLACES) await shoot(person, look, path);
    await shoot(person, look, `/pay?code=${encodeURIComponent(order.qr_code)}`, "_pay");
    await shoot(person, look, sent, "_packet");
    await shoot(other, look, new URL(opened).pathname.slice("/wallet".length), "_packet_opened");
    await shoot(other, look, new URL(unopened).pathname.slice("/wallet".length), "_packet_closed");
    await shoot(other, look, "/requests", "_requests_other");
    await shoot(person, look, bill, "_split");
    await shoot(person, look, asked, "_ticket");
    await shoot(person, look, `/tickets/new?topic=ASK_REFUND&subject=${paid[1].id}`, "_tickets_new_refund");
    await shoot(person, look, `/to/${theirs}?amount=12345678`, "_to");
    await approval(look, person, phone);
    codes = await secrets(look, person, other, codes);
    await silence(look, person);
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
console.log(`${screens} screens, ${found.size} findings`);
process.exitCode = found.size === 0 ? 0 : 1;
