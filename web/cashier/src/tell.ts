// Tells the shop's page that opened this window what happens.
//
// Only the origin of the order's own return address hears it: the shop signed that address when it
// made the order, so a stranger's page that opens somebody else's cashier learns nothing.

import { type CashierOrder, type Face, outcomeOf, returnAddress } from "./order.ts";

/** A message to the drop-in script; `cashier/pay/jialing-pay.ts` reads it. */
export interface Told {
  readonly source: "jialing-cashier";
  readonly token: string;
  readonly order_id: string;
  readonly state: string;
  readonly outcome: "paid" | "expired" | "closed" | null;
}

/** The window that opened ours, if one did. */
export function listener(): Window | null {
  // The other page is of another origin: its window is no object of ours, and nothing of it can be read.
  return (window.opener as Window | null) ?? null;
}

export function tell(to: Window | null, token: string, order: CashierOrder, face: Face): void {
  const address = returnAddress(order);
  if (to === null || address === null) return;
  const told: Told = { source: "jialing-cashier", token, order_id: order.order_id, state: order.state, outcome: outcomeOf(face) };
  to.postMessage(told, address.origin);
}
