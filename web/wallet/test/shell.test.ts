import { expect, test } from "vitest";

import { phoneOf } from "../src/api/people.ts";
import { fromUrl, passkeyText, toUrl } from "../src/api/passkeys.ts";
import { eventsOf } from "../src/live.ts";
import { placeOf } from "../src/pages/notices.tsx";
import { queryOf } from "../src/pages/records.tsx";
import { pathOf } from "../src/router.tsx";
import { fill, lookOf } from "../src/settings.tsx";
import { noticeText } from "../src/texts/notices.ts";
import { problemText } from "../src/texts/problems.ts";
import { mainOf, named } from "../src/wallets.ts";
import type { Notice, Wallet } from "../src/api/types.ts";

test("addresses below the base are paths", () => {
  const table = [["/wallet", "/"], ["/wallet/", "/"], ["/wallet/record/txn_1/", "/record/txn_1"]] as const;
  for (const [address, path] of table) expect(pathOf(address)).toBe(path);
});

test("a kept look is believed as far as it makes sense", () => {
  expect(lookOf(null).theme).toBe("system");
  expect(lookOf("not json")).toEqual(lookOf(null));
  expect(lookOf("null")).toEqual(lookOf(null));
  expect(lookOf('{"theme":"dark","elder":true,"size":99,"hidden":1}')).toEqual({ theme: "dark", elder: true, size: 30, hidden: false });
});

test("a text without a value keeps its place, so that it is seen", () => {
  expect(fill("{a} {b}", { a: 1 })).toBe("1 {b}");
});

test("phones are as the platform takes them", () => {
  expect([phoneOf("138 0000 0001"), phoneOf("+8613800000001"), phoneOf("+447911123456")]).toEqual(["13800000001", "+8613800000001", "+447911123456"]);
  for (const strange of ["", "1380000000", "23800000001", "138000000011", "+12345"]) expect(phoneOf(strange), strange).toBe(null);
});

test("a stream is cut into events wherever its pieces end", () => {
  const whole = 'id: not_1\nevent: notice\ndata: {"a":1}\n\n: heartbeat\n\nid: not_2\r\ndata: {"b":\ndata: 2}\r\n\r\nid: not_3\nda';
  const { events, left } = eventsOf(whole);
  expect(events).toEqual([{ id: "not_1", data: '{"a":1}' }, { id: "not_2", data: '{"b":\n2}' }]);
  expect(left).toBe("id: not_3\nda");
});

test("passkeys speak base64url, and their challenge is a text", () => {
  const bytes = Uint8Array.from([251, 255, 0, 1]);
  expect(toUrl(bytes)).toBe("-_8AAQ");
  expect([...fromUrl("-_8AAQ")]).toEqual([...bytes]);
  expect(passkeyText("step_up", { challenge_id: "chl_1", nonce: "ab" })).toBe("JIALING-PASSKEY-1\naction:step_up\nchallenge:chl_1\nnonce:ab\n");
});

test("filters of the records become the platform's, days at UTC+8", () => {
  const query = new URLSearchParams(queryOf({ kind: "payment", direction: "out", from: "2026-11-01", to: "2026-11-30", least: "1", most: "x", reference: " ord_1 " }));
  expect(Object.fromEntries(query)).toEqual({ kind: "payment", direction: "out", from: "2026-11-01T00:00:00+08:00", to: "2026-11-30T16:00:00.000Z", min_amount: "100", reference: "ord_1" });
});

const wallet = (wallet_id: string, status: Wallet["status"]) => ({ wallet_id, status }) as Wallet;

test("the wallet that pays is the chosen one, while it is there", () => {
  const all = [wallet("new", "LOST"), wallet("middle", "ACTIVE"), wallet("old", "ACTIVE"), wallet("gone", "CLOSED")];
  expect(mainOf(all, "middle")?.wallet_id).toBe("middle");
  expect(mainOf(all, "gone")?.wallet_id).toBe("old");
  expect(mainOf([all[0] as Wallet], null)?.wallet_id).toBe("new");
  expect(mainOf([], null)).toBe(null);
});

test("a wallet that bears its bank's name bears it in the reader's language", () => {
  const banks = [{ code: "JBB", role: "OPERATING" as const, name_zh: "江北银行", name_en: "Jiangbei Bank" }];
  const one = { ...wallet("a", "ACTIVE"), institution: "JBB", name: "江北银行" };
  expect([named(one, banks, "en").name, named(one, banks, "zh").name, named({ ...one, name: "菜钱" }, banks, "en").name]).toEqual(["Jiangbei Bank", "江北银行", "菜钱"]);
});

test("a notice says who and how much, and leads somewhere", () => {
  const notice: Notice = { id: "not_1", code: "TRANSFER_RECEIVED", params: { amount: "2000", balance: { amount: 5000, currency: "CNY" }, counterparty: "*红" }, subject: "tra_1", created_at: "" };
  expect(noticeText(notice, "zh")).toEqual({ title: "*红转来 ¥20.00", more: "余额 ¥50.00" });
  expect(noticeText({ ...notice, code: "NEW_CODE" }, "en").title).toBe("NEW_CODE");
  expect(placeOf(notice)).toBe("/record/tra_1");
  expect(placeOf({ ...notice, code: "CONFIRM_PAYMENT" })).toBe("/confirmations");
});

test("a refusal says what is left and how long to wait; one that is not known keeps its code", () => {
  const problem = { status: 409, title: "t", retryable: false };
  expect(problemText({ ...problem, code: "over_day_limit", left: 12_300 } as never, "zh").more).toMatch(/还可用 ¥123\.00/);
  expect(problemText({ ...problem, code: "pin_locked", retry_after: 300 }, "en").more).toMatch(/about 5 minutes/);
  expect(problemText({ ...problem, code: "brand_new", request_id: "req_1" }, "zh").more).toMatch(/brand_new.*req_1/);
});
