// Actions that move money, from the finger to the truth.
//
// An act has its id, its nonce and its signed text before the first try, and lies on the device until its
// end is known. A lost answer is no answer: the act is *checked*, by sending the very same request again
// (the platform does it once, whatever it hears) and by asking for what it would have made. The signed
// text has an end of time; when that has passed and the platform knows nothing of the act, it will never
// happen, and that is said. Nothing here guesses.

import { ApiProblem, api, now, type ProblemBody } from "../api/client.ts";
import type { Exchange, Mandate, Money, Movement, PageOf, PayerOrder, Transfer } from "../api/types.ts";
import { evidenceText, makeNonce, sign, type DeviceKey } from "../device.ts";
import { drop, keep, keptAll } from "../keep.ts";

/** How long a signed act may be done, milliseconds; the platform takes at most 300 seconds. */
export const VALID_MS = 120_000;
/** What clocks and queues may add to that before silence counts as never. */
export const MARGIN_MS = 15_000;

export type What = "pay" | "pay_static" | "transfer" | "transfer_delayed" | "request" | "top_up" | "withdraw" | "mandate" | "debit_agreement" | "red_packet";

/** What is meant to be done, before it is signed. */
export interface Intent {
  readonly what: What;
  /** The action, payee and subject of the signed text. */
  readonly action: string;
  readonly payee: string;
  readonly subject: string;
  readonly wallet: string;
  readonly amount: Money;
  /** Where it is sent, and what beside the evidence and the PIN. */
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
  /** What the person is told: to whom, and what for. */
  readonly name: string;
  readonly about: string;
  /** The PIN is asked for at once, or only where the platform wants it. */
  readonly pin: "always" | "asked";
}

export interface PasskeyEvidence {
  readonly credential_id: string;
  readonly client_data_json: string;
  readonly authenticator_data: string;
  readonly signature: string;
}

export interface Evidence {
  readonly device_id: string;
  readonly nonce: string;
  readonly expires_at: string;
  readonly signature: string;
  readonly passkey?: PasskeyEvidence;
}

/** An intent that the device has signed. */
export interface Act extends Intent {
  readonly id: string;
  readonly text: string;
  readonly evidence: Evidence;
  readonly began: number;
  readonly expires: number;
}

/** What the platform made of it. */
export interface Made {
  /** `done` has ended well, `waiting` is under way and safe, `failed` has ended without money moving. */
  readonly state: "done" | "waiting" | "failed";
  readonly transaction: string | null;
  /** The thing that was made: an order, a transfer, a top-up. */
  readonly thing: string;
  /** Why it failed: a code of the registry. */
  readonly reason: string | null;
  readonly answer: unknown;
}

export type Outcome =
  | { readonly kind: "made"; readonly made: Made }
  | { readonly kind: "refused"; readonly problem: ProblemBody }
  /** There was no answer that settles it. */
  | { readonly kind: "open" }
  /** It did not happen and cannot happen any more. */
  | { readonly kind: "never" };

/** Signs what is meant. The act is on the device before this returns. */
export async function begin(intent: Intent, device: DeviceKey, passkey?: (text: string) => Promise<PasskeyEvidence>): Promise<Act> {
  if (device.device_id === null) throw new Error("this browser's key is bound to nobody");
  const began = now();
  const expires = new Date(began + VALID_MS).toISOString();
  const nonce = makeNonce();
  const { action, payee, amount, subject, wallet } = intent;
  const text = evidenceText({ action, payee, amount, subject, wallet, expires, nonce });
  const signature = await sign(device, text);
  const evidence: Evidence = { device_id: device.device_id, nonce, expires_at: expires, signature, ...(passkey ? { passkey: await passkey(text) } : {}) };
  const act: Act = { ...intent, id: nonce, text, evidence, began, expires: began + VALID_MS };
  await keep(`act:${act.id}`, act);
  return act;
}

/** Acts of this bound device whose end it has not heard of. They outlive a session, not the person's key. */
export async function unfinished(device: DeviceKey | null): Promise<Act[]> {
  return (await keptAll<Act>("act:")).filter((act) => act.evidence.device_id === device?.device_id);
}

/** The end is known, or the person has been told all that is known. */
export function settle(act: Act): Promise<void> {
  return drop(`act:${act.id}`);
}

/** Codes after which the same request may still have been done. */
const OPEN = new Set(["outcome_unknown", "in_progress", "overloaded", "stopping", "internal", "rate_limited", "request_timeout"]);

/** Sends the act. Sent again, it is the same request, byte for byte. */
export async function send(act: Act, pin: string | null): Promise<Outcome> {
  try {
    const answer = await api<unknown>(act.path, { method: "POST", body: { ...act.body, evidence: act.evidence, ...(pin === null ? {} : { pin }) } });
    return { kind: "made", made: madeOf(act.what, answer) };
  } catch (error) {
    if (error instanceof ApiProblem && !OPEN.has(error.problem.code)) return { kind: "refused", problem: error.problem };
    return { kind: "open" };
  }
}

/** Finds out what became of the act: what there is of it, else whether it can still happen. */
export async function truth(act: Act): Promise<Outcome> {
  try {
    const made = await look(act);
    if (made !== null) return { kind: "made", made };
    return now() > act.expires + MARGIN_MS ? { kind: "never" } : { kind: "open" };
  } catch {
    return { kind: "open" };
  }
}

async function look(act: Act): Promise<Made | null> {
  switch (act.what) {
    case "pay": {
      const order = await api<PayerOrder>(`/v1/wallet/orders/${act.subject}`);
      // An attempt is under way, perhaps this one: then even silence after the signed time says nothing.
      if (order.state === "USERPAYING") throw new Error("an attempt is under way");
      const settled = order.state === "SUCCESS" || order.state === "CLOSED" || order.state === "REVOKED";
      return settled ? madeOf("pay", order) : null;
    }
    case "pay_static":
      return paidWith(act);
    case "transfer":
    case "transfer_delayed":
      return lookFor<Transfer>(`/v1/wallet/transfers/${act.subject}`, act.what);
    case "request": {
      const request = await api<{ state: string; transfer_id?: string }>(`/v1/wallet/payment-requests/${act.subject}`);
      return request.transfer_id ? lookFor<Transfer>(`/v1/wallet/transfers/${request.transfer_id}`, "transfer") : null;
    }
    case "red_packet":
      return lookFor(`/v1/wallet/red-packets/${act.subject}`, act.what);
    case "top_up":
      return inList<Exchange>("/v1/wallet/topups", act, (one) => one.out_topup_no === act.subject);
    case "withdraw":
      return inList<Exchange>("/v1/wallet/withdrawals", act, (one) => one.out_withdrawal_no === act.subject);
    case "mandate":
      return inList<Mandate>("/v1/wallet/mandates", act, (one) => one.merchant_id === act.payee && one.wallet_id === act.wallet && Date.parse(one.created_at) >= act.began - MARGIN_MS);
    case "debit_agreement": {
      const found = await api<{ agreement: { state: string } }>(act.path.replace(/\/approve$/, ""));
      return found.agreement.state === "PROPOSED" ? null : madeOf(act.what, found);
    }
  }
}

async function lookFor<T>(path: string, what: What): Promise<Made | null> {
  try {
    return madeOf(what, await api<T>(path));
  } catch (error) {
    if (error instanceof ApiProblem && error.problem.status === 404) return null;
    throw error;
  }
}

async function inList<T>(path: string, act: Act, is: (one: T) => boolean): Promise<Made | null> {
  const found = (await api<PageOf<T>>(`${path}?limit=100`)).items.find(is);
  return found === undefined ? null : madeOf(act.what, found);
}

/** A payment to a printed code has no number of ours: its receipt holds the text that was signed. */
async function paidWith(act: Act): Promise<Made | null> {
  const from = encodeURIComponent(new Date(act.began - MARGIN_MS).toISOString());
  const exact = `min_amount=${act.amount.amount}&max_amount=${act.amount.amount}`;
  const { items } = await api<PageOf<Movement>>(`/v1/wallet/wallets/${act.wallet}/history?kind=payment&direction=out&from=${from}&${exact}&limit=100`);
  for (const movement of items) {
    const receipt = await api<{ evidence?: { text: string } }>(`/v1/wallet/receipts/${movement.transaction_id}`);
    if (receipt.evidence?.text !== act.text) continue;
    return { state: "done", transaction: movement.transaction_id, thing: movement.subject, reason: null, answer: movement };
  }
  return null;
}

/** Reads what the platform answered to an act, or tells of what it made. */
export function madeOf(what: What, answer: unknown): Made {
  switch (what) {
    case "pay":
    case "pay_static": {
      const order = answer as PayerOrder;
      const state = order.state === "SUCCESS" ? "done" : order.state === "USERPAYING" ? "waiting" : "failed";
      return { state, transaction: order.transaction_id ?? null, thing: order.id, reason: state === "failed" ? (order.last_problem ?? "order_closed") : null, answer };
    }
    case "transfer":
    case "transfer_delayed":
    case "request": {
      const transfer = answer as Transfer;
      const state = transfer.state === "SUCCESS" || transfer.state === "PENDING" ? "done" : transfer.state === "ACCEPTED" ? "waiting" : "failed";
      return { state, transaction: transfer.transaction_id ?? null, thing: transfer.id, reason: transfer.problem ?? null, answer };
    }
    case "top_up":
    case "withdraw": {
      const exchange = answer as Exchange;
      const failed = exchange.state === "FAIL" || exchange.state === "RETURNED";
      const state = exchange.state === "SUCCESS" ? "done" : failed ? "failed" : "waiting";
      return { state, transaction: null, thing: exchange.topup_id ?? exchange.withdrawal_id ?? "", reason: exchange.reason ?? null, answer };
    }
    case "red_packet": {
      const packet = answer as { id: string; state: string; problem?: string };
      const state = packet.state === "FAIL" ? "failed" : packet.state === "ACCEPTED" ? "waiting" : "done";
      return { state, transaction: null, thing: packet.id, reason: packet.problem ?? null, answer };
    }
    case "mandate":
      return { state: "done", transaction: null, thing: (answer as Mandate).id, reason: null, answer };
    case "debit_agreement":
      return { state: "done", transaction: null, thing: (answer as { agreement: { id: string } }).agreement.id, reason: null, answer };
  }
}
