import { expect, test } from "vitest";

import { shownMoney, yuan } from "../src/money.ts";
import { shownRest, shownTime } from "../src/time.ts";

function check(fen: number, text: string) {
  expect(yuan(fen)).toBe(text);
}

test("fen are shown as yuan without a rounding on the way", () => {
  check(0, "0.00");
  check(1, "0.01");
  check(1250, "12.50");
  check(-5, "-0.05");
  check(123_456_789, "1,234,567.89");
  check(Number.MAX_SAFE_INTEGER, "90,071,992,547,409.91");
  expect(() => yuan(12.5)).toThrow(RangeError);
  expect(() => yuan(Number.MAX_SAFE_INTEGER + 1)).toThrow(RangeError);
});

test("money carries its sign or its currency", () => {
  expect(shownMoney({ amount: 1250, currency: "CNY" })).toBe("¥12.50");
  expect(shownMoney({ amount: -1250, currency: "CNY" })).toBe("-¥12.50");
  expect(shownMoney({ amount: 1250, currency: "HKD" })).toBe("12.50 HKD");
});

test("what is left is counted up to the whole second and never below zero", () => {
  const rest = (ms: number, text: string) => expect(shownRest(ms)).toBe(text);
  rest(-1, "0:00");
  rest(1, "0:01");
  rest(245_000, "4:05");
  rest(3_723_000, "1:02:03");
  rest(2 * 86_400_000 + 11_045_000, "2 d 03:04:05");
});

test("times are those of the ledger's zone", () => {
  expect(shownTime("2026-11-22T16:00:00Z", true)).toBe("2026-11-23 00:00:00");
  expect(shownTime("2026-11-22T23:59:59+08:00")).toBe("23:59:59");
});
