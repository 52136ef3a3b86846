// The vectors that the Rust client is tested with too: both must say the same.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { fromBase64, hashingOf, NotProven, openNote, parseKey, verifyConsistency, verifyReceipt } from "../dist/index.js";

const FOLDER = new URL("../../../tests/vectors/receipts/", import.meta.url);

/** Whether the receipt holds; any other error than a refusal fails the test. */
async function holds(receipt, trust) {
  try {
    await verifyReceipt(receipt, trust);
    return true;
  } catch (error) {
    assert.ok(error instanceof NotProven, String(error));
    return false;
  }
}

function changed(receipt, pointer, value) {
  const copy = structuredClone(receipt);
  const names = pointer.slice(1).split("/");
  const last = names.pop();
  const place = names.reduce((inner, name) => inner[name], copy);
  assert.ok(last in place, pointer);
  place[last] = value;
  return copy;
}

for (const suite of ["sha256-ed25519", "sm3-sm2"]) {
  const vectors = JSON.parse(await readFile(new URL(`${suite}.json`, FOLDER), "utf8"));
  const { ledger, receipt, growth } = vectors;

  test(`${suite}: a receipt holds for whoever trusts enough of its witnesses`, async () => {
    for (const { witnesses, need, holds: expect } of vectors.trusts) {
      assert.equal(await holds(receipt, { ledger, witnesses, need }), expect, JSON.stringify({ witnesses, need }));
    }
    assert.equal(await holds(receipt, { ledger: vectors.stranger }), false, "another ledger's key");
    const { witnesses } = vectors.trusts[1];
    assert.equal(await holds(vectors.false_cosignature, { ledger }), true);
    assert.equal(await holds(vectors.false_cosignature, { ledger, witnesses, need: 0 }), false, "a false line");
  });

  test(`${suite}: every changed field is found`, async () => {
    assert.ok(vectors.changes.length >= 25);
    for (const { pointer, value } of vectors.changes) {
      assert.equal(await holds(changed(receipt, pointer, value), { ledger }), false, `${pointer} ${JSON.stringify(value)}`);
    }
    for (const other of [null, [], "text", {}, { ...receipt, more: 1 }, { ...receipt, what: { ...receipt.what, more: 1 } }]) {
      assert.equal(await holds(other, { ledger }), false, JSON.stringify(other)?.slice(0, 40));
    }
    for (const key of ["", "a+b", "a+b+c", ledger.replace("+", "x+"), ledger.slice(0, -4)]) {
      assert.equal(await holds(receipt, { ledger: key }), false, key);
    }
  });

  test(`${suite}: it says in words what it proves, and each step`, async () => {
    const steps = [];
    const plain = await verifyReceipt(receipt, { ledger }, (step) => steps.push(step));
    assert.deepEqual(plain.meaning, vectors.meaning);
    assert.deepEqual(steps.map((step) => step.name), ["record", "leaf", "path", "root", "signature", "evidence"]);
    assert.ok(steps.every((step) => step.held && step.computed));
    assert.deepEqual([plain.kind, plain.amount, plain.index, plain.treeSize, plain.signedByDevice], ["payment", 3850n, 257n, 300n, true]);
    const cosigned = await verifyReceipt(receipt, { ledger, witnesses: vectors.trusts[2].witnesses });
    assert.deepEqual(cosigned.meaning, vectors.meaning_cosigned);
    assert.deepEqual(cosigned.cosigned.map((one) => one.time), [1795328401, 1795328401]);
    const told = [];
    await assert.rejects(verifyReceipt(changed(receipt, "/what/amount/amount", 3851), { ledger }, (step) => told.push(step)), NotProven);
    assert.deepEqual(told.map(({ name, held }) => [name, held]), [["record", false]]);
    assert.match(told[0].computed, /amount/);
  });

  test(`${suite}: growth is proven, and a fork, a rewriting and a shrinking are not`, async () => {
    const log = await parseKey(ledger);
    const check = async (older, newer, proof, expect) => {
      const [first, second] = [await openNote(growth[older], log), await openNote(growth[newer], log)];
      const said = verifyConsistency(hashingOf(log), first.size, second.size, proof.map(fromBase64), first.root, second.root);
      if (expect) await said;
      else await assert.rejects(said, NotProven, `${older} to ${newer}`);
    };
    await check("older", "newer", growth.proof, true);
    await check("older", "older", [], true);
    await check("fork", "rewritten", growth.rewritten_proof, true);
    await check("older", "fork", [], false);
    await check("older", "rewritten", growth.proof, false);
    await check("older", "rewritten", growth.rewritten_proof, false);
    await check("newer", "older", growth.proof, false);
    await check("older", "newer", growth.proof.slice(1), false);
  });

  test(`${suite}: a checkpoint of another key, or about another log, does not open`, async () => {
    const [log, stranger] = [await parseKey(ledger), await parseKey(vectors.stranger)];
    await assert.rejects(openNote(growth.newer, stranger), NotProven);
    await assert.rejects(openNote(growth.newer.replace("vectors\n300", "vectors\n301"), log), NotProven);
    for (const note of ["", "\n\n", "a\n\nb\n", growth.newer.trimEnd(), growth.newer.replace("\u2014", "-"), `\u0007${growth.newer}`]) {
      await assert.rejects(openNote(note, log), NotProven, JSON.stringify(note.slice(0, 20)));
    }
  });
}
