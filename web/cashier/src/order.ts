// What the cashier knows of an order, and which of its faces that makes.

import type { Money } from "@shared/money.ts";

/** Where an order stands. */
export type OrderState = "NOTPAY" | "USERPAYING" | "SUCCESS" | "CLOSED" | "PAYERROR" | "REVOKED";

/** An order, as `GET /v1/public/cashier/{token}` shows it to whoever was given the address. */
export interface CashierOrder {
  readonly order_id: string;
  readonly state: OrderState;
  readonly amount: Money;
  readonly description: string;
  readonly merchant: { readonly name_zh: string; readonly name_en?: string | null; readonly mcc: string };
  readonly qr_code?: string | null;
  readonly app_link?: string | null;
  readonly expires_at: string;
  readonly return_url?: string | null;
}

/** What the page shows. */
export type Face = "waiting" | "paying" | "failed" | "checking" | "paid" | "expired" | "closed" | "revoked";

/** The face of `order` at `now`, milliseconds of the server's clock. */
export function faceOf(order: CashierOrder, now: number): Face {
  const over = Date.parse(order.expires_at) <= now;
  switch (order.state) {
    case "SUCCESS":
      return "paid";
    case "USERPAYING":
      return "paying";
    case "REVOKED":
      return "revoked";
    case "CLOSED":
      return over ? "expired" : "closed";
    case "PAYERROR":
      return over ? "checking" : "failed";
    case "NOTPAY":
      return over ? "checking" : "waiting";
  }
}

/** Nothing changes any more. */
export function isFinal(state: OrderState): boolean {
  return state === "SUCCESS" || state === "CLOSED" || state === "REVOKED";
}

/** How the script names what came of it, as the merchant's page hears it. */
export function outcomeOf(face: Face): "paid" | "expired" | "closed" | null {
  if (face === "paid" || face === "expired" || face === "closed") return face;
  return face === "revoked" ? "closed" : null;
}

/**
 * Where the payer may be sent back to: the order's own address, when a browser may go there without
 * running anything. `javascript:` and its like are refused here too, whatever the server did.
 */
export function returnAddress(order: CashierOrder): URL | null {
  const url = order.return_url ? parse(order.return_url) : null;
  return url !== null && (url.protocol === "https:" || url.protocol === "http:") ? url : null;
}

/** The link that opens the wallet, unless it is one that a browser would run. */
export function walletLink(order: CashierOrder): string | null {
  const url = order.app_link ? parse(order.app_link) : null;
  return url === null || /^(javascript|data|vbscript|blob|file):$/.test(url.protocol) ? null : url.href;
}

function parse(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}
