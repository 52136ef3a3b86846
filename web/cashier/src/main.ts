// The cashier: one order, from the address that a shop's page or a code led to.

import { ask } from "@shared/api.ts";
import { firstLanguage, keepLanguage } from "@shared/language.ts";

import { type CashierOrder, type Face, faceOf, isFinal, returnAddress } from "./order.ts";
import { listener, tell } from "./tell.ts";
import { View } from "./view.ts";
import { Watch } from "./watch.ts";

/** Seconds for which a paid order stays on the screen before the shop's page takes over. */
const BACK_AFTER_S = 5;
/** Minutes before the end at which a screen reader is told. */
const TOLD_AT_MINUTES = [5, 1];

// A sandbox has its API below a path of its own, and its cashier too.
const [, base = "", token = ""] = /^(.*)\/cashier\/([^/]+)\/?$/.exec(location.pathname) ?? [];
const popup = location.hash === "#popup";
const phone = matchMedia("(hover: none) and (pointer: coarse), (max-width: 719px)").matches;
const hearer = listener();

let language = firstLanguage();
let order: CashierOrder | null = null;
let face: Face | null = null;
let ahead = 0;

const view = new View(language, phone, popup);
const now = () => Date.now() + ahead;

const watch = new Watch(`${base}/v1/public/cashier/${token}`, {
  seen(next) {
    order = next;
    update();
    if (face !== null) tell(hearer, token, next, face);
  },
  line: (line) => view.line(line),
  missing() {
    order = null;
    view.show("missing", null);
  },
});

/** Shows what the order is by now; called for each answer and each second. */
function update(): void {
  if (order === null) return;
  const next = faceOf(order, now());
  const left = Date.parse(order.expires_at) - now();
  view.left(left);
  if (next === face) return sayTimeLeft(left);
  face = next;
  view.show(next, order);
  // The server closes an order a moment after its time: ask until it has.
  if (next === "checking") watch.kick();
  if (next === "paid") leaveSoon(order);
}

let told = Number.POSITIVE_INFINITY;
function sayTimeLeft(left: number): void {
  const minutes = TOLD_AT_MINUTES.find((minutes) => left <= minutes * 60_000 && left > (minutes * 60 - 30) * 1000);
  if (minutes === undefined || minutes >= told) return;
  told = minutes;
  view.say(minutes === 1 ? view.text("minuteLeft") : `${minutes} ${view.text("minutesLeft")}`);
}

/** A paid order goes back to the shop by itself, unless the payer wants to stay. */
function leaveSoon(paid: CashierOrder): void {
  const address = returnAddress(paid);
  if (address === null && !popup) return;
  let rest = BACK_AFTER_S;
  const leave = () => (popup ? window.close() : address !== null && location.replace(address.href));
  const tick = setInterval(() => {
    rest--;
    view.soon(rest);
    if (rest <= 0) {
      clearInterval(tick);
      view.soon(null);
      leave();
    }
  }, 1000);
  view.soon(rest);
  view.stay.addEventListener("click", () => {
    clearInterval(tick);
    view.soon(null);
    document.getElementById("outcome")?.focus();
  });
}

view.language.addEventListener("click", () => {
  language = language === "zh" ? "en" : "zh";
  keepLanguage(language);
  view.speak(language);
});
view.retry.addEventListener("click", () => watch.kick());
view.close.addEventListener("click", () => window.close());
view.wallet.addEventListener("click", () => {
  setTimeout(() => document.getElementById("wallet-how")?.removeAttribute("hidden"), 2500);
});
addEventListener("online", () => watch.kick());
addEventListener("pageshow", (event) => event.persisted && watch.kick());
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible" && order !== null && !isFinal(order.state)) watch.kick();
});
// The time that is left is told by the platform's clock: a phone's may be wrong, a sandbox's is moved.
ask<{ time: string }>(`${base}/v1/public/status`).then(
  ({ body }) => {
    ahead = Date.parse(body.time) - Date.now();
    update();
  },
  () => {
    // The phone's own clock has to do.
  },
);
setInterval(update, 1000);
void watch.run();
