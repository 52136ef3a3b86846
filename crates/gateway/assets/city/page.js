// What every part of the page uses: texts in the chosen language, money, times, elements.

import { texts } from "./texts.js";

const KINDS = { payment: "kindPayment", refund: "kindRefund", top_up: "kindTopUp", withdrawal: "kindWithdrawal", transfer: "kindTransfer" };

function preferred() {
  const kept = localStorage.getItem("language");
  if (kept in texts) return kept;
  return navigator.language.startsWith("en") ? "en" : "zh";
}

let language = preferred();

export const isChinese = () => language === "zh";

export function switchLanguage() {
  language = isChinese() ? "en" : "zh";
  localStorage.setItem("language", language);
}

export const $ = (id) => document.getElementById(id);
export const t = (key) => texts[language][key];

/** Fen as yuan with two decimals; exact for every safe integer. */
export function yuan(fen) {
  const value = BigInt(fen);
  const sign = value < 0n ? "-" : "";
  const digits = (value < 0n ? -value : value).toString().padStart(3, "0");
  return `${sign}¥${digits.slice(0, -2).replace(/\B(?=(\d{3})+$)/g, ",")}.${digits.slice(-2)}`;
}

/** The time of day in the ledger's zone, UTC+8. */
export function clock(rfc3339, withDate = false) {
  const at = new Date(rfc3339);
  const zone = { timeZone: "Asia/Shanghai", hour12: false };
  const time = at.toLocaleTimeString("en-GB", zone);
  return withDate ? `${at.toLocaleDateString("sv-SE", zone)} ${time} UTC+8` : time;
}

export const kindName = (kind) => t(KINDS[kind] ?? "kindOther");

export const placeName = (item) => (isChinese() ? item.place_zh : item.place_en) ?? item.place_zh ?? "";

export function element(name, className = "", content) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (content !== undefined) made.textContent = content;
  return made;
}
