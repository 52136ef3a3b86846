import { expect, test } from "vitest";

import { type CashierOrder, faceOf, isFinal, type OrderState, outcomeOf, returnAddress, walletLink } from "../src/order.ts";

const NOW = Date.parse("2026-11-22T14:00:00+08:00");

function order(change: Partial<CashierOrder> = {}): CashierOrder {
  return {
    order_id: "ord_1",
    state: "NOTPAY",
    amount: { amount: 1250, currency: "CNY" },
    description: "麻花",
    merchant: { name_zh: "磁器口麻花", mcc: "5812" },
    expires_at: "2026-11-22T14:10:00+08:00",
    ...change,
  };
}

test("each state has its face, before its time is over and after", () => {
  const check = (state: OrderState, before: string, after: string) => {
    expect(faceOf(order({ state }), NOW)).toBe(before);
    expect(faceOf(order({ state }), NOW + 600_000)).toBe(after);
  };
  check("NOTPAY", "waiting", "checking");
  check("PAYERROR", "failed", "checking");
  check("USERPAYING", "paying", "paying");
  check("SUCCESS", "paid", "paid");
  check("CLOSED", "closed", "expired");
  check("REVOKED", "revoked", "revoked");
});

test("what the shop's page hears is one of three words, and only at the end", () => {
  expect(outcomeOf("paid")).toBe("paid");
  expect(outcomeOf("expired")).toBe("expired");
  expect(outcomeOf("closed")).toBe("closed");
  expect(outcomeOf("revoked")).toBe("closed");
  for (const face of ["waiting", "paying", "failed", "checking"] as const) expect(outcomeOf(face)).toBeNull();
  expect(isFinal("SUCCESS") && isFinal("CLOSED") && isFinal("REVOKED")).toBe(true);
  expect(isFinal("NOTPAY") || isFinal("USERPAYING") || isFinal("PAYERROR")).toBe(false);
});

test("nobody is sent where a browser would run something", () => {
  const check = (return_url: string | null, href: string | null) => expect(returnAddress(order({ return_url }))?.href ?? null).toBe(href);
  check("https://shop.example/thanks?order=7", "https://shop.example/thanks?order=7");
  check("http://127.0.0.1:3000/", "http://127.0.0.1:3000/");
  check("javascript:alert(1)", null);
  check(" JaVaScRiPt:alert(1)", null);
  check("data:text/html,x", null);
  check("/relative", null);
  check("", null);
  check(null, null);
});

test("the wallet is opened by any scheme but those that run in the page", () => {
  const check = (app_link: string | null, link: string | null) => expect(walletLink(order({ app_link }))).toBe(link);
  check("jialing://pay?code=1", "jialing://pay?code=1");
  check("https://pay.example/app?x=1", "https://pay.example/app?x=1");
  check("javascript:alert(1)", null);
  check("data:text/html,x", null);
  check(null, null);
});
