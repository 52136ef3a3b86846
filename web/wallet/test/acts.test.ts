import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { makeKey } from "../src/device.ts";
import { begin, type Intent, MARGIN_MS, send, settle, truth, unfinished, VALID_MS } from "../src/money/acts.ts";

const store = new Map<string, unknown>();

vi.mock("../src/keep.ts", () => ({
  keep: async (name: string, value: unknown) => void store.set(name, value),
  drop: async (name: string) => void store.delete(name),
  keptAll: async (prefix: string) => [...store].filter(([name]) => name.startsWith(prefix)).map(([, value]) => value),
}));

const intent: Intent = {
  what: "transfer",
  action: "transfer",
  payee: "wal_2",
  subject: "W-1",
  wallet: "wal_1",
  amount: { amount: 500, currency: "CNY" },
  path: "/v1/wallet/transfers",
  body: { out_transfer_no: "W-1" },
  name: "*红",
  about: "",
  pin: "always",
};

const sent: { path: string; body: unknown }[] = [];
let answers: (path: string) => Response;

beforeEach(() => {
  store.clear();
  sent.length = 0;
  vi.useFakeTimers({ now: Date.parse("2026-11-22T06:00:00Z"), toFake: ["Date"] });
  vi.stubGlobal("fetch", async (path: string, init: RequestInit) => {
    sent.push({ path, body: init.body === undefined ? null : JSON.parse(String(init.body)) });
    return answers(path);
  });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const json = (status: number, body: object) => new Response(JSON.stringify(body), { status });
const problem = (status: number, code: string) => json(status, { code, status, title: code, retryable: false });
const signed = async () => begin(intent, { ...(await makeKey()), device_id: "dev_1" });

test("an act lies on the device with its number and signature before anything is sent, and without the PIN", async () => {
  const act = await signed();
  expect(await unfinished({ device_id: "dev_1" } as never)).toEqual([act]);
  expect(await unfinished({ device_id: "dev_2" } as never)).toEqual([]);
  expect(sent).toEqual([]);
  answers = () => json(201, { id: "tra_1", state: "SUCCESS", transaction_id: "txn_1" });
  const outcome = await send(act, "123456");
  expect(outcome).toMatchObject({ kind: "made", made: { state: "done", transaction: "txn_1" } });
  expect(JSON.stringify([...store])).not.toContain("123456");
  await settle(act);
  expect(await unfinished({ device_id: "dev_1" } as never)).toEqual([]);
});

test("sent again it is the same request, byte for byte", async () => {
  const act = await signed();
  answers = () => {
    throw new TypeError("network");
  };
  expect(await send(act, "123456")).toEqual({ kind: "open" });
  expect(await send(act, "123456")).toEqual({ kind: "open" });
  expect(sent[0]).toEqual(sent[1]);
});

test("a refusal is the end; what may still have been done is not", async () => {
  const act = await signed();
  for (const code of ["outcome_unknown", "in_progress", "internal", "overloaded", "rate_limited"]) {
    answers = () => problem(500, code);
    expect(await send(act, null), code).toEqual({ kind: "open" });
  }
  answers = () => json(502, { error: "a proxy" });
  expect(await send(act, null)).toEqual({ kind: "open" });
  answers = () => problem(409, "balance_too_low");
  expect(await send(act, null)).toMatchObject({ kind: "refused" });
});

test("silence is never taken for never before the signed time is over", async () => {
  const act = await signed();
  answers = () => problem(404, "not_found");
  expect(await truth(act)).toEqual({ kind: "open" });
  vi.setSystemTime(act.expires + MARGIN_MS - 1000);
  expect(await truth(act)).toEqual({ kind: "open" });
  vi.setSystemTime(act.expires + MARGIN_MS + 1000);
  expect(await truth(act)).toEqual({ kind: "never" });
  answers = () => {
    throw new TypeError("network");
  };
  expect(await truth(act), "without network nothing is known").toEqual({ kind: "open" });
  expect(VALID_MS).toBeLessThanOrEqual(300_000);
});

test("an order that somebody is paying is never told as not paid", async () => {
  const act = { ...(await signed()), what: "pay" as const };
  answers = () => json(200, { id: "ord_1", state: "USERPAYING" });
  vi.setSystemTime(act.expires + MARGIN_MS + 1000);
  expect(await truth(act)).toEqual({ kind: "open" });
  answers = () => json(200, { id: "ord_1", state: "NOTPAY" });
  expect(await truth(act)).toEqual({ kind: "never" });
});

test("what was made is found by its own number", async () => {
  const act = await signed();
  answers = (path) => (path.endsWith("/transfers/W-1") ? json(200, { id: "tra_1", state: "FAIL", problem: "balance_too_high" }) : problem(404, "not_found"));
  expect(await truth(act)).toMatchObject({ kind: "made", made: { state: "failed", reason: "balance_too_high" } });
  const topUp = { ...act, what: "top_up" as const, subject: "T-2" };
  answers = () => json(200, { items: [{ out_topup_no: "T-1", state: "FAIL" }, { out_topup_no: "T-2", topup_id: "top_2", state: "PRESUMED_FAIL" }], has_more: false });
  expect(await truth(topUp)).toMatchObject({ kind: "made", made: { state: "waiting", thing: "top_2" } });
});

test("a payment to a printed code is known by the text in its receipt, not by its amount", async () => {
  const act = { ...(await signed()), what: "pay_static" as const };
  const history = { items: [{ transaction_id: "txn_1", subject: "ord_1" }, { transaction_id: "txn_2", subject: "ord_2" }], has_more: false };
  answers = (path) => json(200, path.includes("/history?") ? history : { evidence: { text: path.endsWith("txn_2") ? act.text : "another" } });
  expect(await truth(act)).toMatchObject({ kind: "made", made: { transaction: "txn_2" } });
  answers = (path) => json(200, path.includes("/history?") ? history : { evidence: { text: "another" } });
  expect(await truth(act)).toEqual({ kind: "open" });
});
