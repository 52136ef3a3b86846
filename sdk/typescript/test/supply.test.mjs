// Proofs of supply: the vectors that the Rust client is tested with too.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { NotProven, sumLeaf, sumParent, sumRoot, verifyBalance, verifySupply } from "../dist/index.js";

const FOLDER = new URL("../../../tests/vectors/supply/", import.meta.url);

/** Whether the file holds; any other error than a refusal fails the test. */
async function holds(kind, file, ledger) {
  try {
    await (kind === "total" ? verifySupply : verifyBalance)(file, { ledger });
    return true;
  } catch (error) {
    assert.ok(error instanceof NotProven, String(error.stack));
    return false;
  }
}

function changed(file, pointer, value) {
  const copy = structuredClone(file);
  const names = pointer.slice(1).split("/");
  const last = names.pop();
  const place = names.reduce((inner, name) => inner[name], copy);
  assert.ok(last in place, pointer);
  place[last] = value;
  return copy;
}

for (const suite of ["sha256-ed25519", "sm3-sm2"]) {
  const { ledger, stranger, total, balance, lies } = JSON.parse(await readFile(new URL(`${suite}.json`, FOLDER), "utf8"));

  test(`${suite}: a day's supply and a balance in it hold under the ledger's key alone`, async () => {
    const supply = await verifySupply(total, { ledger });
    assert.deepEqual([supply.day, supply.record, supply.books.length], ["2026-11-21", 2n, 2]);
    assert.equal(supply.books[0].issued - supply.books[0].redeemed, supply.books[0].sum);
    const counted = await verifyBalance(balance, { ledger });
    assert.equal(counted.balance, BigInt(balance.balance.amount));
    assert.equal(counted.supply.digest, supply.digest);
    for (const [kind, file] of [["total", total], ["balance", balance]]) assert.equal(await holds(kind, file, stranger), false);
  });

  test(`${suite}: no lie holds`, async () => {
    for (const { file, pointer, value } of lies) {
      const lie = changed(file === "total" ? total : balance, pointer, value);
      assert.equal(await holds(file, lie, ledger), false, `${file} ${pointer} ${JSON.stringify(value)}`);
    }
    for (const file of ["total", "balance"]) assert.equal(await holds(file, { ...(file === "total" ? total : balance), bonus: 1 }, ledger), false);
    for (const nothing of [null, 1, "x", [], {}]) assert.equal(await holds("balance", nothing, ledger), false);
  });
}

test("sums and shapes: every leaf of every small tree leads to the root, and sums do not wrap", async () => {
  for (let count = 1n; count < 20n; count++) {
    const leaves = [];
    for (let n = 0n; n < count; n++) leaves.push(await sumLeaf("SHA-256", n, new Uint8Array(32), n * n + 1n));
    const root = async (from, to) => {
      if (to - from === 1) return leaves[from];
      let split = 1;
      while (split * 2 < to - from) split *= 2;
      return sumParent("SHA-256", await root(from, from + split), await root(from + split, to));
    };
    const path = async (at, from, to) => {
      if (to - from === 1) return [];
      let split = 1;
      while (split * 2 < to - from) split *= 2;
      const middle = from + split;
      return at < middle ? [...(await path(at, from, middle)), await root(middle, to)] : [...(await path(at, middle, to)), await root(from, middle)];
    };
    const whole = await root(0, Number(count));
    for (let at = 0; at < count; at++) {
      assert.deepEqual(await sumRoot("SHA-256", leaves[at], BigInt(at), count, await path(at, 0, Number(count))), whole);
    }
  }
  const most = { hash: new Uint8Array(32), sum: (1n << 64n) - 1n };
  await assert.rejects(sumParent("SHA-256", most, { ...most, sum: 1n }), NotProven);
});
