// Pay codes: drawn ahead with a signature, kept on the device, shown without network.
//
// A code's key comes from the platform once and is kept as an object that script can use and not read.
// Shown, a code is its number, the second, and a MAC over both: EMVCo consumer-presented, the format of
// docs/guides/ways-to-pay.md. Each is shown until it is used or its day is over.

import { toBase64 } from "@jialing/sdk/offline";

import { api, now } from "../api/client.ts";
import type { Money, PaymentCode } from "../api/types.ts";
import { bytesOf, type DeviceKey, evidenceText, makeNonce, sign } from "../device.ts";
import { drop, dropAll, keep, kept, keptAll } from "../keep.ts";

/** How many lie ready on a device: the platform's most. */
export const READY = 15;
/** Fewer than this, and new ones are drawn. */
export const FEW = 5;
/** How long one is shown, seconds; the platform takes it no longer. */
export const SHOWN_S = 60;

export interface CodeTerms {
  readonly wallet: string;
  /** What one pays without PIN, fen. */
  readonly free: number;
}

export interface KeptCode {
  readonly id: string;
  readonly wallet: string;
  readonly number: Uint8Array<ArrayBuffer>;
  readonly key: CryptoKey;
  readonly valid_until: number;
}

export function terms(): Promise<CodeTerms | undefined> {
  return kept<CodeTerms>("code:terms");
}

export async function readyCodes(): Promise<KeptCode[]> {
  const all = await keptAll<KeptCode>("code:pcd_");
  const good = all.filter((code) => code.valid_until > now() + SHOWN_S * 1000);
  for (const code of all) if (!good.includes(code)) await drop(`code:${code.id}`);
  return good;
}

/** Draws a full set under `chosen`; the device's older ones end at the platform, and here. */
export async function drawCodes(device: DeviceKey, chosen: CodeTerms): Promise<KeptCode[]> {
  if (device.device_id === null) throw new Error("this browser's key is bound to nobody");
  const amount: Money = { amount: chosen.free, currency: "CNY" };
  const [nonce, expires] = [makeNonce(), new Date(now() + 120_000).toISOString()];
  const text = evidenceText({ action: "payment_codes", payee: "whoever scans it", amount, subject: `count:${READY}`, wallet: chosen.wallet, expires, nonce });
  const evidence = { device_id: device.device_id, nonce, expires_at: expires, signature: await sign(device, text) };
  const { items } = await api<{ items: readonly PaymentCode[] }>("/v1/wallet/payment-codes", {
    method: "POST",
    body: { wallet_id: chosen.wallet, count: READY, pin_free_up_to: amount, evidence },
  });
  const codes = await Promise.all(items.map((item) => keptOf(item, chosen.wallet)));
  await dropAll("code:");
  await keep("code:terms", chosen);
  for (const code of codes) await keep(`code:${code.id}`, code);
  return codes;
}

async function keptOf({ id, number, key, valid_until }: PaymentCode, wallet: string): Promise<KeptCode> {
  const secret = await crypto.subtle.importKey("raw", bytesOf(key), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return { id, wallet, number: bytesOf(number), key: secret, valid_until: Date.parse(valid_until) };
}

/** It was used: it is never shown again. */
export function spend(id: string): Promise<void> {
  return drop(`code:${id}`);
}

export function stopCodes(): Promise<void> {
  return dropAll("code:");
}

const text = (ascii: string) => new TextEncoder().encode(ascii);

/** Tag, length, value. */
function object(tag: readonly number[], ...values: readonly Uint8Array[]): Uint8Array {
  const length = values.reduce((sum, value) => sum + value.length, 0);
  return join(Uint8Array.from([...tag, length]), ...values);
}

function join(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The text to draw, for a code that is shown from second `at` since 1970. */
export async function shownCode({ number, key }: Pick<KeptCode, "number" | "key">, at: number): Promise<string> {
  const time = new Uint8Array(4);
  new DataView(time.buffer).setUint32(0, at);
  const mac = new Uint8Array(await crypto.subtle.sign("HMAC", key, join(text("JIALING-CODE-1"), number, time))).slice(0, 12);
  const scheme = object([0x4f], Uint8Array.from([0xf0, ...text("JIALING")]));
  const issuer = object([0x9f, 0x10], number, time, mac);
  return toBase64(join(object([0x85], text("CPV01")), object([0x61], scheme, object([0x63], issuer))));
}
