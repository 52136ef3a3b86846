// What was scanned, pasted or followed: told apart without opening anything.

import { BASE } from "../router.tsx";

export type Payload =
  /** A merchant's code: the platform reads it. */
  | { readonly kind: "code"; readonly text: string }
  /** A cashier page of this platform. */
  | { readonly kind: "cashier"; readonly token: string }
  | { readonly kind: "foreign" }
  /** A person's code: money is sent to this wallet. */
  | { readonly kind: "person"; readonly wallet: string; readonly amount: number | null }
  | { readonly kind: "packet"; readonly token: string }
  | { readonly kind: "debit"; readonly id: string }
  | { readonly kind: "unknown" };

/** The longest text that is looked at. */
export const MOST = 2_000;

export function payloadOf(typed: string, origin: string): Payload {
  const text = typed.trim();
  if (text === "" || text.length > MOST) return { kind: "unknown" };
  // EMVCo, merchant-presented: payload format indicator 00, two characters, value 01.
  if (text.startsWith("000201")) return { kind: "code", text };
  let address: URL;
  try {
    address = new URL(text);
  } catch {
    return { kind: "unknown" };
  }
  if (address.protocol === "jialing:") {
    const agreement = /dag_[0-9a-z]{26}/.exec(text)?.[0];
    return agreement === undefined ? { kind: "code", text } : { kind: "debit", id: agreement };
  }
  if (address.protocol !== "https:" && address.protocol !== "http:") return { kind: "unknown" };
  const cashier = /^\/cashier\/([\w-]{10,64})$/.exec(address.pathname)?.[1];
  const ours = address.origin === origin;
  if (cashier !== undefined) return ours ? { kind: "cashier", token: cashier } : { kind: "foreign" };
  if (!ours || !address.pathname.startsWith(`${BASE}/`)) return { kind: "unknown" };
  const below = address.pathname.slice(BASE.length);
  const packet = /^\/r\/([\w-]{8,128})$/.exec(below)?.[1];
  if (packet !== undefined) return { kind: "packet", token: packet };
  const wallet = /^\/to\/(wal_[0-9a-z]{26})$/.exec(below)?.[1];
  if (wallet !== undefined) return { kind: "person", wallet, amount: fenIn(address.searchParams.get("amount")) };
  const code = address.searchParams.get("code");
  if (below === "/pay" && code !== null) return { kind: "code", text: code };
  return { kind: "unknown" };
}

/** Whole fen out of an address, or `null`: what a stranger wrote there is not trusted further. */
export function fenIn(text: string | null): number | null {
  if (text === null || !/^[1-9]\d{0,10}$/.test(text)) return null;
  return Number(text);
}

/** The address of somebody's personal code. */
export function personalLink(origin: string, wallet: string, amount: number | null): string {
  return `${origin}${BASE}/to/${wallet}${amount === null ? "" : `?amount=${amount}`}`;
}
