// Opens a payment's receipt and verifies it here, step by step, without asking the server again.

import { $, clock, element, kindName, placeName, t, yuan } from "./page.js";
import { compare, decodeRecord, fromBase64, isSigned, leafHash, parseCheckpoint, rootFromPath, sameBytes, toHex } from "./verify.js";

let receipt = null;
let item = null;

/** The ledger's key, fetched once: from then on the page trusts this key and nothing else. */
let verifierKey = null;

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
    [receipt, verifierKey] = await Promise.all([
      json(`/v1/public/city/receipts/${encodeURIComponent(item.txn)}`),
      verifierKey ?? json("/v1/public/keys").then((keys) => keys.ledger[0].verifier_key),
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

/** Each step's text, what it computed, and whether it held; stops at the first that did not. */
async function* steps({ what, proof }) {
  const record = fromBase64(proof.record);
  const decoded = decodeRecord(record);
  const differing = compare(what, decoded, proof.leaf_index);
  yield ["stepRecord", differing ?? `${toHex(record).slice(0, 64)}…`, differing === null];
  const leaf = await leafHash(record);
  yield ["stepLeaf", toHex(leaf), true];
  const checkpoint = parseCheckpoint(proof.checkpoint);
  const root = await rootFromPath(leaf, proof.leaf_index, checkpoint.size, proof.path.map(fromBase64));
  yield ["stepPath", root ? toHex(root) : "", root !== null];
  yield ["stepRoot", toHex(checkpoint.root), sameBytes(root, checkpoint.root)];
  yield ["stepSignature", verifierKey, await isSigned(checkpoint, verifierKey)];
}

async function verify(tampered) {
  if (!receipt) return;
  clear();
  const shown = structuredClone(receipt);
  if (tampered) shown.what.amount.amount += 1;
  showFacts(shown.what);
  let proven = true;
  let unsupported = false;
  try {
    for await (const [text, computed, held] of steps(shown)) {
      const step = element("li");
      step.dataset.done = held ? "yes" : "no";
      const words = element("span", "", t(text));
      words.append(element("code", "", computed));
      step.append(words);
      $("steps").append(step);
      if (!held) {
        proven = false;
        break;
      }
    }
  } catch (error) {
    proven = false;
    unsupported = error.name === "NotSupportedError";
  }
  const verdict = $("verdict");
  verdict.dataset.proven = proven ? "yes" : "no";
  verdict.replaceChildren(element("strong", "", t(proven ? "proven" : "refuted")), document.createTextNode(proven ? t("proves") : unsupported ? t("unsupported") : ""));
  verdict.hidden = false;
  for (const id of ["verify", "tamper"]) $(id).disabled = false;
}

$("verify").addEventListener("click", () => verify(false));
$("tamper").addEventListener("click", () => verify(true));
$("close").addEventListener("click", () => $("receipt").close());
