// Opens a payment's receipt and verifies it here, step by step, without asking the server again.

import { verifyReceipt } from "../sdk/offline.js";

import { $, clock, element, isChinese, kindName, placeName, t, yuan } from "./page.js";

let receipt = null;
let item = null;

/** The keys, fetched once: from then on the page trusts these and nothing else. */
let trust = null;

/** The ledger's key and its witnesses', of whom the page asks for none: it shows who cosigned. */
function trusted(keys) {
  return { ledger: keys.ledger[0].verifier_key, witnesses: keys.witnesses.map((one) => one.verifier_key), need: 0 };
}

async function json(path) {
  const answer = await fetch(path, { cache: "no-store" });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return answer.json();
}

/** Shows the receipt of `shown`, one of the city's latest payments. */
export async function openReceipt(shown) {
  item = shown;
  receipt = null;
  clear();
  $("facts").replaceChildren(element("dd", "", "…"));
  $("receipt").showModal();
  try {
    [receipt, trust] = await Promise.all([
      json(`/v1/public/city/receipts/${encodeURIComponent(item.txn)}`),
      trust ?? json("/v1/public/keys").then(trusted),
    ]);
    showFacts(receipt.what);
    for (const id of ["verify", "tamper"]) $(id).disabled = false;
  } catch {
    $("facts").replaceChildren(element("dd", "", t("failed")));
  }
}

function clear() {
  $("steps").replaceChildren();
  $("verdict").hidden = true;
  for (const id of ["verify", "tamper"]) $(id).disabled = true;
}

function showFacts(what) {
  const facts = [
    ["amount", yuan(what.amount.amount)],
    ["what", kindName(what.kind)],
    ["where", placeName(item)],
    ["when", clock(what.at, true)],
    ["transaction", what.transaction_id],
    ["position", `${receipt.proof.leaf_index.toLocaleString("en")} / ${receipt.proof.tree_size.toLocaleString("en")}`],
  ];
  $("facts").replaceChildren(
    ...facts.filter(([, value]) => value).flatMap(([key, value]) => [element("dt", "", t(key)), element("dd", key === "transaction" ? "mono" : "", value)]),
  );
}

const STEPS = { record: "stepRecord", leaf: "stepLeaf", path: "stepPath", root: "stepRoot", signature: "stepSignature", evidence: "stepEvidence", witnesses: "stepWitnesses" };

function showStep({ name, computed, held }) {
  const step = element("li");
  step.dataset.done = held ? "yes" : "no";
  const words = element("span", "", t(STEPS[name]));
  words.append(element("code", "", name === "record" && held ? `${computed.slice(0, 64)}…` : computed));
  step.append(words);
  $("steps").append(step);
}

/** What was proven and what was not, sentence by sentence. */
function meaning({ proves, does_not_prove }) {
  const list = (title, sentences) => {
    const items = element("ul");
    items.append(...sentences.map((sentence) => element("li", "", isChinese() ? sentence.zh : sentence.en)));
    return [element("p", "", t(title)), items];
  };
  return [...list("proves", proves), ...list("provesNot", does_not_prove)];
}

async function verify(tampered) {
  if (!receipt) return;
  clear();
  const shown = structuredClone(receipt);
  if (tampered) shown.what.amount.amount += 1;
  showFacts(shown.what);
  const verdict = $("verdict");
  let words;
  try {
    const proven = await verifyReceipt(shown, trust, showStep);
    words = [element("strong", "", t("proven")), ...meaning(proven.meaning)];
    verdict.dataset.proven = "yes";
  } catch (error) {
    const unsupported = error.name === "NotSupportedError" || !globalThis.crypto?.subtle;
    words = [element("strong", "", t("refuted")), document.createTextNode(unsupported ? t("unsupported") : "")];
    verdict.dataset.proven = "no";
  }
  verdict.replaceChildren(...words);
  verdict.hidden = false;
  for (const id of ["verify", "tamper"]) $(id).disabled = false;
}

$("verify").addEventListener("click", () => verify(false));
$("tamper").addEventListener("click", () => verify(true));
$("close").addEventListener("click", () => $("receipt").close());
