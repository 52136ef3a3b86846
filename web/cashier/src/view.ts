// The page: one skeleton that stays, so that focus and the screen reader's place are never lost.

import type { Both, Language } from "@shared/language.ts";
import { tagOf } from "@shared/language.ts";
import { shownMoney } from "@shared/money.ts";
import { qrPath } from "@shared/qr.ts";
import { shownRest } from "@shared/time.ts";

import { type CashierOrder, type Face, returnAddress, walletLink } from "./order.ts";
import { type TextKey, texts } from "./texts.ts";
import type { Line } from "./watch.ts";

/** Every face that the card can have. */
export type Shown = Face | "loading" | "missing";

const SIGNS: Record<string, string> = {
  paid: "M10 25l9 9 19-21",
  turning: "M24 8a16 16 0 1 1-14 8",
  over: "M24 12v13M24 34v.5",
};

const WORDS: Record<Shown, readonly [TextKey, TextKey | null]> = {
  loading: ["loading", null],
  waiting: ["scan", "scanHow"],
  failed: ["failed", "failedHow"],
  paying: ["paying", "payingHow"],
  checking: ["checking", "checkingHow"],
  paid: ["paid", null],
  expired: ["expired", "expiredHow"],
  closed: ["closed", "closedHow"],
  revoked: ["revoked", "revokedHow"],
  missing: ["missing", "missingHow"],
};

const byId = <E extends HTMLElement>(id: string): E => {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found as E;
};

const SVG = "http://www.w3.org/2000/svg";

function drawing(viewBox: string, path: string): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", viewBox);
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

export class View {
  readonly retry = byId<HTMLButtonElement>("retry");
  readonly language = byId<HTMLButtonElement>("language");
  readonly stay = byId<HTMLButtonElement>("stay");
  readonly close = byId<HTMLButtonElement>("close");
  readonly wallet = byId<HTMLAnchorElement>("wallet");
  readonly #toggle = byId<HTMLButtonElement>("toggle");
  #code: string | null = null;
  #unfolded = false;
  #shown: Shown = "loading";
  #order: CashierOrder | null = null;

  constructor(
    private spoken: Language,
    private readonly phone: boolean,
    private readonly popup: boolean,
  ) {
    byId("host").textContent = location.host;
    this.#toggle.addEventListener("click", () => {
      this.#unfolded = !this.#unfolded;
      this.#fold();
    });
    this.speak(spoken);
  }

  text(key: TextKey): string {
    return this.pick(texts[key]);
  }

  pick(both: Both): string {
    return both[this.spoken];
  }

  /** Writes every text in `language`. */
  speak(language: Language): void {
    this.spoken = language;
    document.documentElement.lang = tagOf(language);
    for (const element of document.querySelectorAll<HTMLElement>("[data-text]")) {
      const key = element.dataset["text"];
      if (key !== undefined && key in texts) element.textContent = this.text(key as TextKey);
    }
    this.language.lang = language === "zh" ? "en" : "zh-CN";
    this.#title();
    this.#words();
    this.#fold();
    if (this.#order !== null) this.#sum(this.#order);
  }

  /** Shows `face`; a screen reader hears it once. */
  show(shown: Shown, order: CashierOrder | null): void {
    const changed = shown !== this.#shown;
    [this.#shown, this.#order] = [shown, order];
    const main = byId("cashier");
    main.dataset["face"] = shown;
    main.ariaBusy = String(shown === "loading");
    const payable = shown === "waiting" || shown === "failed";
    byId("sum").hidden = order === null;
    byId("pay").hidden = !payable;
    byId("outcome").hidden = payable;
    byId("left-row").hidden = !(payable || shown === "paying");
    if (order !== null) this.#sum(order);
    this.#words();
    this.#fold();
    this.#ways(order, shown);
    if (changed) this.#tell(payable);
  }

  /** The line to the server. */
  line(line: Line): void {
    byId("line").hidden = line === "connected";
    byId("line-text").textContent = line === "connected" ? "" : this.text(line);
  }

  /** The time that is left, in milliseconds. */
  left(ms: number): void {
    const left = byId("left");
    left.textContent = shownRest(ms).replace(" d ", this.spoken === "zh" ? " 天 " : " d ");
    left.toggleAttribute("data-short", ms < 60_000);
  }

  /** Says `text` to a screen reader. */
  say(text: string): void {
    byId("spoken").textContent = text;
  }

  /** Counts down to going back; `null` when nobody is sent anywhere. */
  soon(seconds: number | null): void {
    const soon = byId("soon");
    soon.hidden = seconds === null;
    this.stay.hidden = seconds === null;
    if (seconds !== null) soon.textContent = `${seconds} ${this.text(this.popup ? "closeSoon" : "backSoon")}`;
  }

  #tell(payable: boolean): void {
    const order = this.#order;
    const sum = order === null ? "" : ` ${order.merchant.name_zh} ${shownMoney(order.amount)}`;
    this.say(`${byId("outcome-title").textContent}${this.#shown === "paid" ? sum : ""}`);
    this.#title();
    // What was operated may be gone: the reader is put where it goes on.
    if (!payable && document.activeElement !== this.language) byId("outcome").focus({ preventScroll: true });
  }

  #title(): void {
    const settled = this.#shown !== "loading" && this.#shown !== "waiting";
    document.title = settled ? `${this.text(WORDS[this.#shown][0])} · ${this.text("title")}` : this.text("title");
  }

  #words(): void {
    const [title, how] = WORDS[this.#shown];
    byId("outcome-title").textContent = this.text(title);
    byId("outcome-how").textContent = how === null ? "" : this.text(how);
    const lead = byId("lead");
    lead.textContent = this.text(this.#shown === "failed" ? "failed" : "scan");
    lead.className = this.#shown === "failed" ? "warning" : "lead";
    const sign = this.#shown === "paid" ? "paid" : /^(loading|paying|checking)$/.test(this.#shown) ? "turning" : "over";
    byId("sign").replaceChildren(drawing("0 0 48 48", SIGNS[sign] ?? ""));
  }

  #sum(order: CashierOrder): void {
    const { name_zh: zh, name_en: en } = order.merchant;
    byId("merchant").textContent = this.spoken === "en" && en ? en : zh;
    byId("amount").textContent = shownMoney(order.amount);
    byId("description").textContent = order.description;
    byId("order").textContent = order.order_id;
    if (order.qr_code && order.qr_code !== this.#code) this.#draw(order.qr_code);
    byId("code").firstElementChild?.setAttribute("aria-label", this.text("qrLabel"));
  }

  #draw(code: string): void {
    this.#code = code;
    const { size, path } = qrPath(code);
    const svg = drawing(`0 0 ${size} ${size}`, path);
    svg.setAttribute("role", "img");
    svg.setAttribute("shape-rendering", "crispEdges");
    byId("code").replaceChildren(svg);
  }

  /** On a phone the code is folded away behind the link that opens the wallet, where there is one. */
  #fold(): void {
    const link = this.#order === null ? null : walletLink(this.#order);
    const foldable = this.phone && link !== null;
    const open = !foldable || this.#unfolded;
    byId("code").hidden = !open || this.#code === null;
    byId("lead").hidden = !open && this.#shown !== "failed";
    this.wallet.hidden = !foldable;
    if (link !== null) this.wallet.href = link;
    this.#toggle.hidden = !foldable;
    this.#toggle.ariaExpanded = String(open);
    this.#toggle.textContent = this.text(open ? "hideCode" : "showCode");
  }

  /** The ways out: back to the shop, or close the window that its page opened. */
  #ways(order: CashierOrder | null, shown: Shown): void {
    const address = order === null ? null : returnAddress(order);
    const over = /^(paid|expired|closed|revoked)$/.test(shown);
    const [back, leave] = [byId<HTMLAnchorElement>("back"), byId<HTMLAnchorElement>("leave")];
    back.hidden = !over || address === null || this.popup;
    this.close.hidden = !(this.popup && (over || shown === "missing"));
    leave.hidden = over || address === null || this.popup || shown === "paying" || shown === "checking";
    if (address === null) return;
    back.href = address.href;
    leave.href = address.href;
  }
}
