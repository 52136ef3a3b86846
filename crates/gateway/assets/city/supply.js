// The panel about the proof of supply: fetches the newest day once in a while, verifies it here, and
// checks the proof of a balance that somebody drops in. The file never leaves this page.

import { verifyBalance, verifySupply } from "../sdk/offline.js";
import { $, element, isChinese, t, yuan } from "./page.js";

/** How often a new day is looked for. */
const EVERY = 60_000;

let shown = null;
let verifierKey = null;

async function json(path) {
  const answer = await fetch(path, { cache: "no-store" });
  if (answer.status === 404) return null;
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return answer.json();
}

async function key() {
  verifierKey ??= (await json("/v1/public/keys")).ledger[0].verifier_key;
  return verifierKey;
}

/** Fetches and verifies the newest day; keeps what was shown when there is no answer. */
async function read() {
  const days = await json("/v1/public/supply/proofs?limit=1");
  if (!days?.items.length) {
    shown = { none: true };
    return showProof();
  }
  if (shown?.day?.day === days.items[0].day) return undefined;
  const file = await json(`/v1/public/supply/proofs/${days.items[0].day}`);
  try {
    shown = { day: days.items[0], total: await verifySupply(file, { ledger: await key() }) };
  } catch (error) {
    shown = { day: days.items[0], fault: error.message };
  }
  return showProof();
}

/** Shows what was read, in the chosen language. */
export function showProof() {
  if (!shown) return;
  const { none, day, total, fault } = shown;
  $("proof-day").textContent = none ? "—" : day.day;
  const held = $("proof-held");
  held.toggleAttribute("data-broken", Boolean(fault));
  held.textContent = none ? t("proofNone") : fault ? `${t("proofBroken")} ${fault}` : t("proofHeld");
  $("proof-digest").textContent = total?.digest ?? "";
  const books = total?.books.filter((book) => book.issued > 0n) ?? [];
  const name = ({ holder }) => day.books.find((book) => BigInt(book.holder) === holder)?.institution ?? String(holder);
  const most = books.reduce((top, book) => (book.issued > top ? book.issued : top), 1n);
  $("proof-books").replaceChildren(
    ...books.map((book) => {
      const bar = element("div", "bar");
      const fill = element("div", "fill");
      fill.style.width = `${Number((10_000n * book.sum) / most) / 100}%`;
      const track = element("div", "track");
      track.append(fill);
      const people = isChinese() ? `${book.accounts} 个账户` : `${book.accounts} accounts`;
      bar.append(element("span", "", name(book)), track, element("span", "value", `${yuan(book.sum)} · ${people}`));
      return bar;
    }),
  );
}

async function checkOwn(file) {
  const verdict = $("proof-verdict");
  try {
    const counted = await verifyBalance(JSON.parse(await file.text()), { ledger: await key() });
    verdict.dataset.proven = "yes";
    verdict.replaceChildren(element("strong", "", t("ownCounted")), document.createTextNode(`${yuan(counted.balance)} · ${counted.supply.day} · ${t("ownMeans")}`));
  } catch (error) {
    verdict.dataset.proven = "no";
    const why = error.name === "NotSupportedError" ? t("unsupported") : error instanceof SyntaxError ? t("ownNoProof") : error.message;
    verdict.replaceChildren(element("strong", "", t("ownRefuted")), document.createTextNode(why));
  }
  verdict.hidden = false;
}

$("proof-file").addEventListener("change", ({ target }) => {
  if (target.files[0]) checkOwn(target.files[0]);
  target.value = "";
});

/** Looks for a new day now and from now on. */
export function followProof() {
  const again = () => read().catch(() => undefined);
  again();
  setInterval(again, EVERY);
}
