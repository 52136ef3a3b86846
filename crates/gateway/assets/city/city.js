// The city, live. Reads GET /v1/public/city once and then its event stream; shows money supply,
// pace, latest payments and the newest checkpoint; opens and verifies receipts.

import { flow, pulse } from "./flow.js";
import { $, clock, element, isChinese, kindName, placeName, switchLanguage, t, yuan } from "./page.js";
import { openReceipt } from "./receipt.js";
import { followProof, showProof } from "./supply.js";

const SHOWN = 12;

const state = { paused: false, connection: "live", city: null };

function showTexts() {
  document.documentElement.lang = isChinese() ? "zh-CN" : "en";
  document.title = t("title");
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = t(element.dataset.text);
  $("pause").textContent = t(state.paused ? "resume" : "pause");
  showStatus();
  showProof();
}

function showStatus() {
  const status = state.connection === "lost" ? "lost" : state.paused ? "paused" : "live";
  $("status").dataset.state = status;
  $("status").textContent = t(status);
}

function show() {
  showTexts();
  const { city } = state;
  if (!city) return;
  showSupply(city);
  showPace(city.payments);
  showPayments(city.latest);
  showCheckpoint(city.checkpoint);
  flow($("flow"), t, yuan, city);
}

function showSupply({ supply }) {
  $("circulating").textContent = yuan(supply.circulating);
  $("issued").textContent = yuan(supply.issued);
  $("redeemed").textContent = yuan(supply.redeemed);
  $("in-wallets").textContent = yuan(supply.wallets);
  $("in-transit").textContent = yuan(supply.transit);
  const vaults = supply.vaults.reduce((sum, vault) => sum + BigInt(vault.amount), 0n);
  const held = vaults + BigInt(supply.wallets) + BigInt(supply.transit);
  const exact = BigInt(supply.issued) - BigInt(supply.redeemed) === BigInt(supply.circulating) && held === BigInt(supply.circulating);
  $("balance").textContent = `${t("equation")} — ${t(exact ? "balanced" : "unbalanced")}`;
  $("balance").toggleAttribute("data-broken", !exact);
  const most = supply.vaults.reduce((top, vault) => Math.max(top, Number(vault.amount)), 1);
  $("vaults").replaceChildren(
    ...supply.vaults.map((vault) => {
      const bar = element("div", "bar");
      const fill = element("div", "fill");
      fill.style.width = `${Math.max(0, (100 * Number(vault.amount)) / most)}%`;
      const track = element("div", "track");
      track.append(fill);
      bar.append(element("span", "", isChinese() ? vault.name_zh : vault.name_en), track, element("span", "value", yuan(vault.amount)));
      return bar;
    }),
  );
}

function showPace(payments) {
  const counts = payments.per_second;
  const rate = counts.reduce((sum, n) => sum + n, 0) / Math.max(1, counts.length);
  $("rate").textContent = rate.toFixed(1);
  $("today").textContent = `${payments.today_count.toLocaleString("en")} ${t("payments")} · ${yuan(payments.today_amount)}`;
  const top = Math.max(4, ...counts) * 1.1;
  const points = counts.map((n, i) => `${((600 * i) / (counts.length - 1)).toFixed(1)},${(155 - (150 * n) / top).toFixed(1)}`);
  $("trace").setAttribute("d", `M${points.join("L")}`);
  $("area").setAttribute("d", `M0,160L${points.join("L")}L600,160Z`);
}

function showPayments(latest) {
  $("empty").hidden = latest.length > 0;
  $("payments").replaceChildren(
    ...latest.slice(0, SHOWN).map((item) => {
      const row = element("li");
      const button = element("button");
      button.type = "button";
      button.append(
        element("span", "time", clock(item.at)),
        element("span", "kind", kindName(item.kind)),
        element("span", "place", placeName(item) || kindName(item.kind)),
        element("span", "money", yuan(item.amount)),
      );
      button.setAttribute("aria-label", `${kindName(item.kind)} ${placeName(item)} ${yuan(item.amount)}. ${t("openReceipt")}`);
      button.addEventListener("click", () => openReceipt(item));
      row.append(button);
      return row;
    }),
  );
}

function showCheckpoint(checkpoint) {
  if (!checkpoint) return;
  $("size").textContent = checkpoint.size.toLocaleString("en");
  $("root").textContent = checkpoint.root;
  $("signed-at").textContent = clock(checkpoint.time, true);
}

function take(city) {
  const known = new Set(state.city?.latest.map((item) => item.txn));
  const fresh = state.city ? city.latest.filter((item) => !known.has(item.txn)) : [];
  state.city = city;
  if (state.paused) return;
  // Redrawing the list would take the focus away from somebody who walks it by keyboard.
  const focused = [...$("payments").querySelectorAll("button")].indexOf(document.activeElement);
  show();
  if (focused >= 0) $("payments").querySelectorAll("button")[focused]?.focus();
  for (const item of fresh.slice(0, 6)) pulse(item.kind);
}

async function read() {
  const answer = await fetch("/v1/public/city", { cache: "no-store" });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  take(await answer.json());
}

function listen() {
  const stream = new EventSource("/v1/public/city/live");
  stream.addEventListener("city", (event) => {
    state.connection = "live";
    take(JSON.parse(event.data));
  });
  stream.addEventListener("open", () => {
    state.connection = "live";
    showStatus();
  });
  stream.addEventListener("error", () => {
    state.connection = "lost";
    showStatus();
  });
}

$("pause").addEventListener("click", () => {
  state.paused = !state.paused;
  show();
});
$("language").addEventListener("click", () => {
  switchLanguage();
  show();
});
showTexts();
read().catch(() => {
  state.connection = "lost";
  showStatus();
});
listen();
followProof();
