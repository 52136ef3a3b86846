// The drop-in script: opens the cashier from a shop's page and says what came of it.
//
//   <script src="https://pay.example.gov.cn/cashier/jialing-pay.js"></script>
//   const { outcome } = await JialingPay.open(order.cashier_url);
//
// On a desk the cashier opens in a window of its own, so that the payer sees its address; on a phone
// the page itself goes there and comes back to the order's return address. What it answers is a hint
// for the page: whether the order is paid, the shop's server asks the platform.

import type { Told } from "../src/tell.ts";

/** What came of it: `dismissed` when the payer closed the window or the overlay first. */
export type Outcome = "paid" | "expired" | "closed" | "dismissed";

export interface Result {
  outcome: Outcome;
  /** The order; not known when the window was closed before it said so. */
  order_id: string | null;
}

export interface Options {
  /** `auto`: a window on a desk, the page itself on a phone. */
  mode?: "auto" | "popup" | "redirect";
  /** The language of the cashier and the overlay; the browser's by default. */
  language?: "zh" | "en";
  /** Each state of the order that the cashier shows. */
  onState?: (state: string) => void;
}

const TEXTS = {
  zh: { title: "请在新窗口中付款", how: "付款窗口已打开。完成后会自动回到这里。", blocked: "浏览器拦截了付款窗口，请点击下面的按钮打开。", again: "打开付款窗口", cancel: "取消" },
  en: { title: "Pay in the new window", how: "The payment window is open. You come back here when it is done.", blocked: "The browser held the payment window back: open it with the button.", again: "Open the payment window", cancel: "Cancel" },
};

const STYLE = `
dialog { border: 0; border-radius: 14px; padding: 28px; max-width: min(400px, calc(100vw - 32px)); text-align: center; box-sizing: border-box;
  background: #fff; color: #1d2733; font: 16px/1.6 "PingFang SC", "Noto Sans CJK SC", "Microsoft YaHei", system-ui, sans-serif; }
dialog::backdrop { background: rgb(13 20 28 / 62%); }
h2 { font-size: 20px; margin: 0 0 8px; }
p { margin: 0 0 20px; color: #566170; }
button { font: inherit; width: 100%; min-height: 46px; border-radius: 10px; border: 1px solid #e2ddd2; background: #fff; color: #1d2733; cursor: pointer; }
button + button { margin-top: 10px; }
button:first-of-type { background: #0b6e6e; border-color: #0b6e6e; color: #fff; font-weight: 600; }
:focus-visible { outline: 3px solid #0b6e6e; outline-offset: 2px; }
`;

const script = document.currentScript;
if (!(script instanceof HTMLScriptElement) || !script.src) throw new Error("jialing-pay.js must be loaded with <script src>");
/** Where the script came from: the one place whose cashier it opens, and whose messages it believes. */
const HOME = new URL(script.src).origin;
const WATCH_MS = 400;

const target = new EventTarget();
let busy = false;

/** The address of a cashier of the platform that this script came from. */
function checked(address: string): { url: URL; token: string; api: string } {
  const url = new URL(address, HOME);
  const [, base = "", token] = /^(\/s\/[\w-]+)?\/cashier\/([\w-]+)\/?$/.exec(url.pathname) ?? [];
  if (url.origin !== HOME || token === undefined) throw new TypeError(`${address} is no cashier of ${HOME}`);
  return { url, token, api: `${HOME}${base}/v1/public/cashier/${token}` };
}

function isHandheld(): boolean {
  return matchMedia("(hover: none) and (pointer: coarse)").matches;
}

function languageOf(options: Options): "zh" | "en" {
  return options.language ?? (navigator.language.startsWith("en") ? "en" : "zh");
}

/**
 * Opens the cashier at `address`, an order's `cashier_url`. Resolves when the order is paid, expired
 * or closed, or when the payer turns away. With `redirect` the page is left and nothing resolves.
 */
async function open(address: string, options: Options = {}): Promise<Result> {
  const { url, token, api } = checked(address);
  if (options.language) url.searchParams.set("lang", options.language);
  const mode = options.mode ?? "auto";
  if (mode === "redirect" || (mode === "auto" && isHandheld())) {
    location.assign(url);
    return new Promise(() => {});
  }
  if (busy) throw new Error("a cashier is open already");
  busy = true;
  try {
    const seen = await inWindow(url, token, options);
    // The window may have been closed before it could say what happened: the platform is asked once.
    const result = seen.outcome === "dismissed" ? await asked(api, seen) : seen;
    target.dispatchEvent(new CustomEvent("outcome", { detail: result }));
    return result;
  } finally {
    busy = false;
  }
}

/** What the platform says of the order; `seen` where it does not answer, or nothing has happened yet. */
async function asked(api: string, seen: Result): Promise<Result> {
  try {
    const response = await fetch(api, { credentials: "omit" });
    const { order_id, state, expires_at } = (await response.json()) as { order_id: string; state: string; expires_at: string };
    if (state === "SUCCESS") return { outcome: "paid", order_id };
    if (state !== "CLOSED" && state !== "REVOKED") return { outcome: "dismissed", order_id };
    return { outcome: state === "CLOSED" && Date.parse(expires_at) <= Date.now() ? "expired" : "closed", order_id };
  } catch {
    return seen;
  }
}

function inWindow(url: URL, token: string, options: Options): Promise<Result> {
  url.hash = "popup";
  return new Promise((resolve) => {
    let cashier: Window | null = null;
    let last: Told | null = null;
    const raise = () => {
      if (cashier === null || cashier.closed) cashier = openWindow(url);
      cashier?.focus();
      overlay.blocked(cashier === null);
    };
    const finish = (outcome: Outcome) => {
      removeEventListener("message", hear);
      clearInterval(watching);
      overlay.remove();
      if (outcome === "dismissed") cashier?.close();
      resolve({ outcome, order_id: last?.order_id ?? null });
    };
    const hear = (event: MessageEvent<Partial<Told> | null>) => {
      // Only the cashier's own window, at its own address, about the order that was opened.
      if (event.origin !== HOME || event.source !== cashier || cashier === null) return;
      const told = event.data;
      if (told?.source !== "jialing-cashier" || told.token !== token) return;
      last = told as Told;
      options.onState?.(last.state);
      target.dispatchEvent(new CustomEvent("state", { detail: last }));
    };
    const overlay = new Overlay(languageOf(options), raise, () => finish(last?.outcome ?? "dismissed"));
    addEventListener("message", hear);
    // The payer sees the outcome in the cashier's window first; the page goes on when that is closed.
    const watching = setInterval(() => {
      if (cashier?.closed === true) finish(last?.outcome ?? "dismissed");
    }, WATCH_MS);
    raise();
  });
}

function openWindow(url: URL): Window | null {
  const [width, height] = [Math.min(920, screen.availWidth), Math.min(720, screen.availHeight)];
  const left = Math.round((window.screenX || 0) + (window.outerWidth - width) / 2);
  const top = Math.round((window.screenY || 0) + (window.outerHeight - height) / 3);
  return window.open(url, "jialing-cashier", `popup,width=${width},height=${height},left=${Math.max(0, left)},top=${Math.max(0, top)}`);
}

/** What dims the shop's page meanwhile. A shadow root keeps the page's styles out and ours in. */
class Overlay {
  readonly #host = document.createElement("div");
  readonly #how = document.createElement("p");
  readonly #text;

  constructor(language: "zh" | "en", again: () => void, cancel: () => void) {
    this.#text = TEXTS[language];
    const root = this.#host.attachShadow({ mode: "closed" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
    const dialog = document.createElement("dialog");
    dialog.lang = language === "zh" ? "zh-CN" : "en";
    dialog.setAttribute("aria-labelledby", "title");
    const title = document.createElement("h2");
    title.id = "title";
    title.textContent = this.#text.title;
    this.#how.setAttribute("role", "status");
    const [raise, leave] = [this.#button(this.#text.again, again), this.#button(this.#text.cancel, cancel)];
    dialog.append(title, this.#how, raise, leave);
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      cancel();
    });
    root.append(dialog);
    document.body.append(this.#host);
    dialog.showModal();
  }

  blocked(blocked: boolean): void {
    this.#how.textContent = blocked ? this.#text.blocked : this.#text.how;
  }

  remove(): void {
    this.#host.remove();
  }

  #button(text: string, click: () => void): HTMLButtonElement {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = text;
    button.addEventListener("click", click);
    return button;
  }
}

/** Hears `state` and `outcome`; the answer stops hearing. */
function on(type: "state" | "outcome", hear: (detail: unknown) => void): () => void {
  const listen = (event: Event) => hear((event as CustomEvent).detail);
  target.addEventListener(type, listen);
  return () => target.removeEventListener(type, listen);
}

const JialingPay = Object.freeze({ open, on });
declare global {
  interface Window {
    JialingPay: typeof JialingPay;
  }
}
window.JialingPay = JialingPay;

// `<button data-jialing-cashier="https://…/cashier/…">` needs no script of the shop's own.
document.addEventListener("click", (event) => {
  const button = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-jialing-cashier]") : null;
  const address = button?.dataset["jialingCashier"];
  if (!address) return;
  event.preventDefault();
  void open(address);
});
