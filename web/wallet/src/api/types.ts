// What the API answers, as far as the wallet reads it. docs/openapi.json is the source.

import type { Money } from "@shared/money.ts";

export type { Money };

export interface PageOf<T> {
  readonly items: readonly T[];
  readonly has_more: boolean;
}

export type Level = "ANONYMOUS" | "REMOTE_PHONE_ID" | "REMOTE_BANK" | "FACE_TO_FACE";
export type WalletClass = "I" | "II" | "III" | "IV" | "ORGANISATION";

export interface Session {
  readonly session_id: string;
  readonly device_id?: string | null;
  readonly current: boolean;
  readonly created_at: string;
  readonly last_used_at: string;
  readonly expires_at: string;
}

export interface SignedIn {
  readonly person_id: string;
  readonly token: string;
  readonly session: Session;
}

export interface Profile {
  readonly person_id: string;
  readonly phone: string;
  readonly level: Level;
  readonly wallet_class: WalletClass;
  readonly name?: string | null;
  readonly id_number?: string | null;
  readonly pin_set: boolean;
  readonly findable_by_phone: boolean;
  readonly created_at: string;
}

export interface WalletLimit {
  readonly limit: Money;
  readonly left: Money;
}

export interface Wallet {
  readonly wallet_id: string;
  readonly name: string;
  readonly institution: string;
  readonly class: WalletClass;
  readonly status: "ACTIVE" | "LIMITED" | "DEBIT_FROZEN" | "CREDIT_FROZEN" | "FROZEN" | "LOST" | "CLOSED";
  readonly closing: boolean;
  readonly balance: Money;
  readonly available: Money;
  readonly opened_at: string;
  readonly limits: { readonly balance?: WalletLimit | null; readonly single?: WalletLimit | null; readonly day?: WalletLimit | null; readonly year?: WalletLimit | null };
  readonly upgrade?: { readonly class: WalletClass; readonly needs: readonly string[]; readonly balance?: Money | null; readonly single?: Money | null; readonly day?: Money | null; readonly year?: Money | null } | null;
}

export interface Institution {
  readonly code: string;
  readonly role: "CENTRAL" | "OPERATING";
  readonly name_zh: string;
  readonly name_en: string;
}

export interface PayerOrder {
  readonly id: string;
  readonly state: "NOTPAY" | "USERPAYING" | "SUCCESS" | "CLOSED" | "PAYERROR" | "REVOKED";
  readonly merchant_id: string;
  readonly merchant_name_zh: string;
  readonly merchant_name_en: string;
  readonly store_name?: string | null;
  readonly description: string;
  readonly amount: Money;
  readonly expires_at: string;
  readonly paid_at?: string | null;
  readonly refunded?: Money | null;
  readonly transaction_id?: string | null;
  readonly wallet_id?: string | null;
  readonly last_problem?: string | null;
}

export interface Place {
  readonly static_code_id: string;
  readonly merchant_id: string;
  readonly merchant_name_zh: string;
  readonly merchant_name_en: string;
  readonly store_name?: string | null;
  readonly terminal?: string | null;
  readonly description: string;
  readonly left_today?: Money | null;
}

export interface PaymentCode {
  readonly id: string;
  readonly code: string;
  readonly code_expires_at: string;
  readonly number: string;
  readonly key: string;
  readonly valid_until: string;
}

export interface CodeStatus {
  readonly id: string;
  readonly state: "LIVE" | "USED" | "ENDED";
  readonly order_id?: string | null;
}

export type Direction = "in" | "out";

export interface Movement {
  readonly id: string;
  readonly wallet_id: string;
  readonly transaction_id: string;
  readonly subject: string;
  readonly kind: string;
  readonly direction: Direction;
  readonly amount: Money;
  readonly balance: Money;
  readonly counterparty: { readonly name?: string | null; readonly name_en?: string | null; readonly reference: string };
  readonly memo?: string | null;
  readonly at: string;
}

export interface Transfer {
  readonly id: string;
  readonly out_transfer_no: string;
  readonly state: "ACCEPTED" | "SUCCESS" | "FAIL" | "PENDING" | "REVOKED";
  readonly payee_name: string;
  readonly amount: Money;
  readonly note?: string | null;
  readonly transaction_id?: string | null;
  readonly problem?: string | null;
  readonly created_at: string;
  readonly arrives_at?: string | null;
}

export type ExchangeState = "ACCEPTED" | "PROCESSING" | "PRESUMED_SUCCESS" | "PRESUMED_FAIL" | "SUCCESS" | "FAIL" | "RETURNED";

export interface Exchange {
  readonly topup_id?: string;
  readonly withdrawal_id?: string;
  readonly out_topup_no?: string;
  readonly out_withdrawal_no?: string;
  readonly link_id: string;
  readonly wallet_id: string;
  readonly amount: Money;
  readonly state: ExchangeState;
  readonly reason?: string | null;
  readonly created_at: string;
  readonly settled_at?: string | null;
}

export interface BankLink {
  readonly link_id: string;
  readonly institution: string;
  readonly account_mask: string;
  readonly state: "PENDING" | "SIGNED" | "ENDED";
  readonly reason?: string | null;
  readonly sign_before?: string | null;
  readonly created_at: string;
}

export interface Mandate {
  readonly id: string;
  readonly token: string;
  readonly merchant_id: string;
  readonly merchant_name_zh: string;
  readonly merchant_name_en: string;
  readonly wallet_id: string;
  readonly state: "OPENING" | "ACTIVE" | "PAUSED" | "REVOKED";
  readonly single: Money;
  readonly day: Money;
  readonly paid_today: Money;
  readonly created_at: string;
  readonly changed_at: string;
}

export interface DebitAgreement {
  readonly agreement: {
    readonly id: string;
    readonly description: string;
    readonly max_amount: Money;
    readonly max_count: number;
    readonly merchant_id: string;
    readonly period: "DAY" | "MONTH" | "QUARTER" | "YEAR";
    readonly state: string;
    readonly valid_until: string;
    readonly expires_at: string;
  };
  readonly merchant_name_zh: string;
  readonly merchant_name_en: string;
  readonly notice_days: number;
  readonly subject: string;
  readonly wallet_id?: string | null;
}

export interface Device {
  readonly device_id: string;
  readonly name: string;
  readonly key_id: string;
  readonly suite: string;
  readonly state: "ACTIVE" | "REVOKED";
  readonly created_at: string;
  readonly revoked_at?: string | null;
}

export interface PinState {
  readonly set: boolean;
  readonly tries_left: number;
  readonly failures: number;
  readonly locked_for: number;
  readonly changed_at?: string | null;
}

export interface IdentityCheck {
  readonly check_id: string;
  readonly state: "PENDING" | "VERIFIED" | "REFUSED";
  readonly level: Level;
  readonly reason?: string | null;
}

export interface Notice {
  readonly id: string;
  readonly code: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly subject: string;
  readonly created_at: string;
  readonly read_at?: string | null;
}

export interface Export {
  readonly id: string;
  readonly state: "QUEUED" | "RUNNING" | "READY" | "FAILED" | "CANCELLED" | "EXPIRED";
  readonly format: "csv" | "csv.gz" | "parquet";
  readonly from: string;
  readonly to: string;
  readonly rows: number;
  readonly rows_done: number;
  readonly bytes?: number | null;
  readonly sha256?: string | null;
}

export interface Statement {
  readonly from: string;
  readonly to: string;
  readonly opening: Money;
  readonly closing: Money;
  readonly total_in: { readonly amount: Money; readonly count: number };
  readonly total_out: { readonly amount: Money; readonly count: number };
  readonly by_kind: readonly { readonly kind: string; readonly direction: Direction; readonly amount: Money; readonly count: number }[];
  readonly lines: readonly Movement[];
  readonly has_more: boolean;
}

/** Proof that somebody is who they say, beside password or session. */
export type Factor =
  | { readonly code: string }
  | { readonly totp: string }
  | { readonly recovery_code: string }
  | { readonly passkey: { readonly challenge_id: string; readonly credential_id: string; readonly client_data_json: string; readonly authenticator_data: string; readonly signature: string } };
