// Red packets, requests to pay, split bills and tickets, as the API answers them.

import type { Money } from "./types.ts";

export interface Claim {
  readonly id: string;
  readonly packet_id: string;
  readonly amount: Money;
  readonly state: "PROCESSING" | "SUCCESS";
  readonly at: string;
  readonly wallet_id: string;
}

export interface RedPacket {
  readonly id: string;
  readonly kind: "SINGLE" | "LUCKY" | "EQUAL";
  readonly state: "ACCEPTED" | "OPEN" | "EMPTY" | "RETURNED" | "FAIL";
  readonly amount: Money;
  readonly shares: number;
  readonly claimed_shares: number;
  readonly claimed: Money;
  readonly returned?: Money;
  readonly greeting?: string;
  readonly token?: string;
  readonly created_at: string;
  readonly expires_at: string;
  readonly claims?: readonly { readonly name: string; readonly amount: Money; readonly at: string; readonly best: boolean }[];
}

export interface SeenPacket {
  readonly id: string;
  readonly sender_name: string;
  readonly kind: RedPacket["kind"];
  readonly greeting?: string;
  readonly state: "OPEN" | "EMPTY" | "RETURNED";
  readonly shares: number;
  readonly claimed_shares: number;
  readonly mine?: Claim;
}

export interface PaymentRequest {
  readonly id: string;
  readonly direction: "SENT" | "RECEIVED";
  readonly state: "PENDING" | "PAID" | "DECLINED" | "CANCELLED" | "EXPIRED";
  readonly amount: Money;
  readonly note?: string;
  readonly other_name: string;
  readonly payee?: string;
  readonly created_at: string;
  readonly expires_at: string;
}

export interface BillSplit {
  readonly id: string;
  readonly title: string;
  readonly total: Money;
  readonly asked: Money;
  readonly paid: Money;
  readonly paid_count: number;
  readonly count: number;
  readonly state: "OPEN" | "DONE";
  readonly requests: readonly PaymentRequest[];
  readonly created_at: string;
}

export interface Ticket {
  readonly id: string;
  readonly topic: "QUESTION" | "COMPLAINT" | "CONTEST_PAYMENT" | "ASK_REFUND" | "LOST_DEVICE";
  readonly subject?: string;
  readonly state: "OPEN" | "ANSWERED" | "CLOSED";
  readonly created_at: string;
  readonly updated_at: string;
  /** Absent in lists. */
  readonly messages?: readonly { readonly from: "YOU" | "STAFF"; readonly text: string; readonly at: string }[];
}
