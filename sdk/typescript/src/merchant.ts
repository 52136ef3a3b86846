// A shop's server: every call signed, every answer's signature checked, and safe to repeat.

import { toHex } from "./bytes.js";
import { type ChargeAsk, type Event, type Export, type ExportAsk, type MandateToken, type Money, type Movement, type Operations, type Order, type OrderAsk, type Receipt, type Refund, type RefundAsk, ROUTES } from "./generated/api.js";
import { PublicKey, SigningKey } from "./keys.js";
import { isProblem, Unacceptable } from "./problem.js";
import type { EncryptionKey } from "./seal.js";
import { makeNonce } from "./signature.js";
import { bodyOf, contentTypeOf, send, type Settings } from "./transport.js";

/** What `Merchant.connect` takes. */
export interface MerchantOptions {
  /** Where the platform is, such as `https://pay.example.gov.cn`. */
  readonly base: string;
  /** The merchant's id, `mch_…`. */
  readonly mchid: string;
  /** Your secret key, PKCS#8 PEM: Ed25519, SM2 or RSA. */
  readonly key: string | SigningKey;
  /**
   * The platform's public keys, pinned: PEM or base64 as the directory shows them. Without them the directory
   * is read, over the connection there is, and believed: at the start, and when an answer is signed by a new key.
   */
  readonly platformKeys?: readonly (string | PublicKey)[];
  /** Milliseconds for one try; 15,000 unless given. */
  readonly timeoutMs?: number;
  /** Tries in all; 4 unless given. */
  readonly tries?: number;
  /** The longest `Retry-After` that is waited for, seconds; 5 unless given. */
  readonly longestWaitS?: number;
  readonly fetch?: typeof fetch;
  readonly now?: () => number;
  readonly sleep?: (ms: number) => Promise<void>;
}

type Empty = Readonly<Record<string, never>>;
type PartOf<Operation extends keyof Operations, Part extends "path" | "query" | "body"> = Operations[Operation][Part];

/** What an operation is called with: only the parts that it has. */
export type Ask<Operation extends keyof Operations> = (PartOf<Operation, "path"> extends Empty ? unknown : { readonly path: PartOf<Operation, "path"> }) &
  (PartOf<Operation, "query"> extends Empty ? unknown : { readonly query?: PartOf<Operation, "query"> }) &
  (PartOf<Operation, "body"> extends undefined ? unknown : { readonly body: PartOf<Operation, "body"> }) & {
    /** Made before the first try; made for you unless given. Keep it to repeat the call after a crash. */
    readonly idempotencyKey?: string;
    /** Seals the whole body for this key of the platform: nobody on the way reads it. */
    readonly sealFor?: EncryptionKey;
  };

interface Parts {
  readonly path?: Readonly<Record<string, string | number>>;
  readonly query?: Readonly<Record<string, string | number | boolean | null | undefined>>;
  readonly body?: unknown;
  readonly idempotencyKey?: string;
  readonly sealFor?: EncryptionKey;
}

/** The operations that answer a page: lists. */
export type ListOperation = { [Name in keyof Operations]: Operations[Name]["answer"] extends { readonly items: readonly unknown[]; readonly has_more: boolean } ? Name : never }[keyof Operations];
/** What is in such a list. */
export type ItemOf<Name extends ListOperation> = Operations[Name]["answer"] extends { readonly items: readonly (infer Item)[] } ? Item : never;

/** A list, read page by page as far as you go: `for await (const order of merchant.orders.list())`. */
export interface Listing<Item> extends AsyncIterable<Item> {
  /** The pages, as they come. */
  pages(): AsyncGenerator<readonly Item[], void, undefined>;
  /** The first items, at most `most` (100 unless given). */
  first(most?: number): Promise<Item[]>;
}

/** Whole fen as money: `yuan(1250)` is 12.50. */
export const fen = (amount: number): Money => ({ amount, currency: "CNY" });

/** A merchant's client. */
export class Merchant {
  private constructor(private readonly settings: Settings) {}

  /** A client; reads your key, and the platform's keys where none are pinned. */
  static async connect(options: MerchantOptions): Promise<Merchant> {
    const { base, mchid, fetch = globalThis.fetch } = options;
    const key = typeof options.key === "string" ? await SigningKey.read(options.key) : options.key;
    const readAll = (given: readonly (string | PublicKey)[]) => Promise.all(given.map((one) => (typeof one === "string" ? PublicKey.read(one) : one)));
    const renew = options.platformKeys === undefined ? async () => readAll(await directory(base, fetch)) : undefined;
    const platformKeys = await (renew?.() ?? readAll(options.platformKeys ?? []));
    const { timeoutMs = 15_000, tries = 4, longestWaitS = 5, now = Date.now } = options;
    const sleep = options.sleep ?? ((ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)));
    return new Merchant({ base, mchid, key, platformKeys, renew, timeoutMs, tries, longestWaitS, fetch, now, sleep });
  }

  /** The merchant's id. */
  get id(): string {
    return this.settings.mchid;
  }

  /** The platform's keys: those pinned, or those of the directory. Pin them. */
  get platformKeys(): readonly PublicKey[] {
    return this.settings.platformKeys;
  }

  /** Reads the directory again, for a notice that is signed by a key of later: `Refused` with `unknown_key`. Pinned keys stay. */
  async renewKeys(): Promise<readonly PublicKey[]> {
    if (this.settings.renew !== undefined) this.settings.platformKeys = await this.settings.renew();
    return this.settings.platformKeys;
  }

  /** Any operation of the API by its `operation_id`: the reference lists them. */
  async call<Name extends keyof Operations>(operation: Name, ask: Ask<Name>): Promise<Operations[Name]["answer"]> {
    return (await this.run(operation, ask as Parts)) as Operations[Name]["answer"];
  }

  private async run(operation: keyof Operations, { path = {}, query = {}, body, idempotencyKey, sealFor }: Parts, lost?: () => Promise<unknown>): Promise<unknown> {
    const route = ROUTES[operation];
    const filled = route.path.replace(/\{([^}]+)\}/g, (_, name: string) => {
      const value = path[name];
      // A dot alone would not stay in the address, however it is written.
      if (value === undefined || ["", ".", ".."].includes(String(value))) throw new TypeError(`${operation} needs ${name}`);
      return encoded(value);
    });
    const pairs = Object.entries(query).filter(([, value]) => value !== undefined && value !== null);
    const search = pairs.map(([name, value]) => `${encoded(name)}=${encoded(value as string)}`).join("&");
    const target = search === "" ? filled : `${filled}?${search}`;
    const key = idempotencyKey ?? (route.once ? makeNonce() : undefined);
    const contentType = contentTypeOf(route, body);
    const sent = sealFor === undefined ? body : await sealFor.seal(JSON.stringify(body));
    return send(this.settings, { route, target, body: bodyOf(sent), contentType, idempotencyKey: key, sealedWith: sealFor?.serial, query: lost });
  }

  /** Any list of the API by its `operation_id`. */
  list<Name extends ListOperation>(operation: Name, ask: Ask<Name>): Listing<ItemOf<Name>> {
    return listing((after) => {
      const { query = {}, ...rest } = ask as Parts;
      return this.run(operation, { ...rest, query: { limit: 100, ...query, ...after } }) as Promise<PageOf<ItemOf<Name>>>;
    });
  }

  /** Sends a write with a number of yours. When its answer is lost, asks by the number before sending it again. */
  private async numbered<T extends { readonly amount: Money }>(operation: keyof Operations, body: { readonly amount: Money }, query: () => Promise<T>): Promise<T> {
    const lost = async (): Promise<T | undefined> => {
      const found = await query();
      // Another amount under the same number: let the platform itself say what is in conflict.
      return found.amount.amount === body.amount.amount ? found : undefined;
    };
    return (await this.run(operation, { body }, lost)) as T;
  }

  readonly orders = {
    /** Creates an order. The same number with the same content answers the order there is. */
    create: (ask: OrderAsk): Promise<Order> => this.numbered("create_order", ask, () => this.orders.byNumber(ask.out_trade_no)),
    get: (orderId: string): Promise<Order> => this.call("read_order", { path: { order_id: orderId } }),
    /** By your own number: the way to learn what became of a lost answer. */
    byNumber: (outTradeNo: string): Promise<Order> => this.call("read_order_by_number", { path: { out_trade_no: outTradeNo } }),
    /** By your own number, or `null` if no order was made under it. */
    find: (outTradeNo: string): Promise<Order | null> => orNull(this.orders.byNumber(outTradeNo)),
    list: (query: Operations["list_orders"]["query"] = {}): Listing<Order> => this.list("list_orders", { query }),
    close: (orderId: string): Promise<Order> => this.call("close_order", { path: { order_id: orderId } }),
    revoke: (orderId: string): Promise<Order> => this.call("revoke_order", { path: { order_id: orderId } }),
  };

  readonly refunds = {
    /** Gives back a part or all of an order. Look at `state` in the answer. */
    request: (ask: RefundAsk): Promise<Refund> => this.numbered("request_refund", ask, () => this.refunds.byNumber(ask.out_refund_no)),
    get: (refundId: string): Promise<Refund> => this.call("read_refund", { path: { refund_id: refundId } }),
    byNumber: (outRefundNo: string): Promise<Refund> => this.call("read_refund_by_number", { path: { out_refund_no: outRefundNo } }),
    find: (outRefundNo: string): Promise<Refund | null> => orNull(this.refunds.byNumber(outRefundNo)),
    list: (query: Operations["list_refunds"]["query"] = {}): Listing<Refund> => this.list("list_refunds", { query }),
    /** Tries an `ABNORMAL` refund again. */
    retry: (refundId: string): Promise<Refund> => this.call("retry_refund", { path: { refund_id: refundId } }),
  };

  readonly events = {
    list: (query: Operations["list_events"]["query"] = {}): Listing<Event> => this.list("list_events", { query }),
    get: (eventId: string): Promise<Event> => this.call("read_event", { path: { event_id: eventId } }),
    /** Says that an event was dealt with. */
    acknowledge: (eventId: string): Promise<Event> => this.call("acknowledge_event", { path: { event_id: eventId } }),
  };

  readonly mandates = {
    list: (query: Operations["list_mandate_tokens"]["query"] = {}): Listing<MandateToken> => this.list("list_mandate_tokens", { query }),
    get: (token: string): Promise<MandateToken> => this.call("read_mandate_token", { path: { token } }),
    /** Creates an order and pays it from the mandate. */
    charge: (token: string, ask: ChargeAsk): Promise<Order> => this.call("charge_mandate", { path: { token }, body: ask }),
  };

  readonly transactions = {
    list: (query: Operations["list_transactions"]["query"] = {}): Listing<Movement> => this.list("list_transactions", { query }),
    /** The receipt of a transaction, for `verifyReceipt`. */
    receipt: (transactionId: string): Promise<Receipt> => this.call("read_merchant_receipt", { path: { transaction_id: transactionId } }),
  };

  readonly exports = {
    request: (ask: ExportAsk, idempotencyKey?: string): Promise<Export> => this.call("request_own_export", idempotencyKey === undefined ? { body: ask } : { body: ask, idempotencyKey }),
    get: (exportId: string): Promise<Export> => this.call("read_own_export", { path: { export_id: exportId } }),
    list: (query: Operations["list_own_exports"]["query"] = {}): Listing<Export> => this.list("list_own_exports", { query }),
    cancel: (exportId: string): Promise<Export> => this.call("cancel_own_export", { path: { export_id: exportId } }),
    /** The file of an export that is `READY`, compared with the digest in the export's signed answer. */
    file: (exportId: string): Promise<Uint8Array> => this.file(exportId),
  };

  private async file(exportId: string): Promise<Uint8Array> {
    const bytes = new Uint8Array((await this.call("fetch_own_export", { path: { export_id: exportId } })) as Uint8Array);
    const { sha256 } = (await this.exports.get(exportId)) as { readonly sha256?: string | null };
    const found = toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
    if (found !== sha256) throw new Unacceptable(`the file of ${exportId}`, "its SHA-256 is not the one that the platform signed");
    return bytes;
  }

  /** Tests your signature and the platform's: whatever you send is described in a signed answer. */
  selfTest(body: Uint8Array | string = "hello"): Promise<Operations["merchant_security_echo"]["answer"]> {
    return this.call("merchant_security_echo", { body });
  }
}

/** Percent-encoded so that nothing on the way writes it in another form: what is signed is what is sent. */
function encoded(value: string | number | boolean): string {
  return encodeURIComponent(String(value)).replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);
}

interface PageOf<Item> {
  readonly items: readonly Item[];
  readonly has_more: boolean;
}

/** The cursor of an item in lists: its id, or a mandate's token. */
function cursorOf(item: unknown): string {
  const { id, token, export_id: exportId } = item as { readonly id?: string; readonly token?: string; readonly export_id?: string };
  const cursor = id ?? token ?? exportId;
  if (cursor === undefined) throw new TypeError("the items of this list carry no cursor: read it page by page with `call`");
  return cursor;
}

function listing<Item>(read: (after: { readonly after?: string }) => Promise<PageOf<Item>>): Listing<Item> {
  async function* pages(): AsyncGenerator<readonly Item[], void, undefined> {
    for (let after: { after?: string } = {}; ; ) {
      const { items, has_more: more } = await read(after);
      yield items;
      const last = items.at(-1);
      if (!more || last === undefined) return;
      after = { after: cursorOf(last) };
    }
  }
  async function* all(): AsyncGenerator<Item, void, undefined> {
    for await (const page of pages()) yield* page;
  }
  const first = async (most = 100): Promise<Item[]> => {
    const found: Item[] = [];
    for await (const item of all()) {
      if (found.length >= most) break;
      found.push(item);
    }
    return found;
  };
  return { [Symbol.asyncIterator]: all, pages, first };
}

async function orNull<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (error) {
    if (isProblem(error, "not_found")) return null;
    throw error;
  }
}

/** The keys that sign answers, as the directory shows them. */
async function directory(base: string, fetch: typeof globalThis.fetch): Promise<string[]> {
  const response = await fetch(`${base.replace(/\/+$/, "")}/v1/public/keys`, { signal: AbortSignal.timeout(15_000) });
  const { answers = [] } = (await response.json()) as { readonly answers?: readonly { readonly public_key: string; readonly suite: string }[] };
  const known = answers.filter(({ suite }) => ["ED25519", "SM2-WITH-SM3", "SHA256-RSA2048"].includes(suite));
  if (known.length === 0) throw new Unacceptable("GET /v1/public/keys", "it names no key that signs answers");
  return known.map((key) => key.public_key);
}
