import { expect, test } from "vitest";

import { shownCode } from "../src/money/codes.ts";
import { barsOf, QUIET, valuesOf } from "../src/money/code128.ts";
import { daysIn, monthAfter, spentByPlace, sumsByDay } from "../src/money/month.ts";
import { fenIn, payloadOf, personalLink } from "../src/money/payload.ts";
import { packs, splitEvenly } from "../src/money/shares.ts";
import { fenOf } from "../src/parts/fields.tsx";
import type { Movement } from "../src/api/types.ts";

test("what is typed as yuan is whole fen, or nothing", () => {
  const table: [string, number | null][] = [
    ["12.5", 1250], ["12.50", 1250], ["0.01", 1], ["1,234.5", 123450], ["１", null], ["12.", 1200], [" 7 ", 700], ["999999999", 99999999900],
    ["0", null], ["0.00", null], ["-1", null], ["1.234", null], ["1e3", null], ["", null], ["abc", null], ["1.2.3", null], ["9999999999", null],
  ];
  for (const [typed, fen] of table) expect(fenOf(typed), typed).toBe(fen);
});

const ORIGIN = "https://pay.example";
const WALLET = "wal_01k9zq5v4c0000000000000000";

test("what was scanned is told apart, and nothing foreign is opened", () => {
  const emv = "00020101021226580014cn.jialing.pay";
  expect(payloadOf(` ${emv} `, ORIGIN)).toEqual({ kind: "code", text: emv });
  expect(payloadOf("jialing://pay?code=0002", ORIGIN)).toEqual({ kind: "code", text: "jialing://pay?code=0002" });
  expect(payloadOf(`${ORIGIN}/cashier/06f3k1v8q0m2r4t6w8y0a2c4e0`, ORIGIN)).toEqual({ kind: "cashier", token: "06f3k1v8q0m2r4t6w8y0a2c4e0" });
  expect(payloadOf("https://evil.example/cashier/06f3k1v8q0m2r4t6w8y0a2c4e0", ORIGIN)).toEqual({ kind: "foreign" });
  expect(payloadOf(personalLink(ORIGIN, WALLET, 1250), ORIGIN)).toEqual({ kind: "person", wallet: WALLET, amount: 1250 });
  expect(payloadOf(personalLink(ORIGIN, WALLET, null), ORIGIN)).toEqual({ kind: "person", wallet: WALLET, amount: null });
  expect(payloadOf(`${ORIGIN}/wallet/r/abcdefgh12345678`, ORIGIN)).toEqual({ kind: "packet", token: "abcdefgh12345678" });
  for (const strange of ["", "javascript:alert(1)", "https://evil.example/wallet/to/wal_x", `${ORIGIN}/other`, "hello", "x".repeat(3000), `https://evil.example/wallet/to/${WALLET}`]) {
    expect(payloadOf(strange, ORIGIN), strange.slice(0, 40)).toEqual({ kind: "unknown" });
  }
});

test("an amount in an address is whole fen above zero", () => {
  expect(fenIn("1250")).toBe(1250);
  for (const strange of [null, "", "0", "-5", "12.5", "1e5", "99999999999999"]) expect(fenIn(strange)).toBe(null);
});

test("a pay code is the published format: scheme, number, second, MAC", async () => {
  const number = Uint8Array.from({ length: 16 }, (_, place) => place);
  const raw = new Uint8Array(32).fill(7);
  const key = await crypto.subtle.importKey("raw", raw, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const bytes = Uint8Array.from(atob(await shownCode({ number, key }, 1_700_000_000)), (character) => character.charCodeAt(0));
  const head = [0x85, 5, ...Buffer.from("CPV01"), 0x61, 0x2f, 0x4f, 8, 0xf0, ...Buffer.from("JIALING"), 0x63, 0x23, 0x9f, 0x10, 0x20];
  expect([...bytes.slice(0, head.length)]).toEqual(head);
  const issuer = bytes.slice(head.length);
  expect(issuer.length).toBe(32);
  expect([...issuer.slice(0, 16)]).toEqual([...number]);
  expect(new DataView(issuer.buffer).getUint32(16)).toBe(1_700_000_000);
  const mac = await crypto.subtle.sign("HMAC", key, Buffer.concat([Buffer.from("JIALING-CODE-1"), issuer.slice(0, 20)]));
  expect([...issuer.slice(20)]).toEqual([...new Uint8Array(mac).slice(0, 12)]);
});

test("bars begin with the start of set B and end with the stop, and check themselves", () => {
  // The usual example checks to 54 after start A, which is one less than start B.
  expect(valuesOf("PJJ123C")).toEqual([104, 48, 42, 42, 17, 18, 19, 35, 55]);
  const { size, runs } = barsOf("PJJ123C");
  expect(size).toBe(9 * 11 + 13 + 2 * QUIET);
  expect(runs[0]).toEqual([QUIET, 2]);
  expect(runs.at(-1)).toEqual([size - QUIET - 2, 2]);
  expect(() => barsOf("码")).toThrow(RangeError);
});

test("a bill is split so that nothing is lost", () => {
  expect(splitEvenly(10_000, 2)).toEqual({ each: 3333, own: 3334 });
  expect(splitEvenly(1, 3)).toEqual({ each: 0, own: 1 });
  expect([packs(3, 3), packs(2, 3), packs(60_000, 3), packs(60_001, 3)]).toEqual([true, false, true, false]);
});

const movement = (at: string, amount: number, direction: "in" | "out", kind: string, reference: string): Movement => ({
  id: at, wallet_id: WALLET, transaction_id: "txn_1", subject: "ord_1", kind, direction, amount: { amount, currency: "CNY" }, balance: { amount: 0, currency: "CNY" }, counterparty: { name: reference, reference }, at,
});

test("a month's figures are added by its days at UTC+8, and a refund counts against its shop", () => {
  const all = [
    movement("2026-11-01T00:00:00+08:00", 500, "out", "payment", "noodles"),
    movement("2026-10-31T23:59:59Z", 100, "out", "payment", "noodles"),
    movement("2026-11-30T23:59:59+08:00", 300, "in", "refund", "noodles"),
    movement("2026-12-01T00:00:00+08:00", 900, "in", "transfer", "friend"),
  ];
  const days = sumsByDay("2026-11", all);
  expect(days.length).toBe(30);
  expect(days[0]).toEqual({ day: 1, in: 0, out: 600 });
  expect(days[29]).toEqual({ day: 30, in: 300, out: 0 });
  expect(spentByPlace(all, (one) => one.counterparty.name ?? "")).toEqual([{ name: "noodles", amount: 300, count: 2 }]);
  expect([monthAfter("2026-12", 1), monthAfter("2026-01", -1), daysIn("2028-02")]).toEqual(["2027-01", "2025-12", 29]);
});
