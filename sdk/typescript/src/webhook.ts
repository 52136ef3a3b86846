// Webhooks: a delivery is checked, opened, and told apart from one that came before.
//
// A delivery carries two forms of signature over the same body: the platform's own (`jialing-…`, by a key of
// its directory) and that of Standard Webhooks (`webhook-…`, `v1` by the endpoint's secret, `v1a` by an
// Ed25519 key). Every form that is there and that can be checked must hold, and at least one must: nothing
// is gained by adding or removing headers. The object inside is sealed under the merchant's API key.

import { type Bytes, concat, fromBase64, toBase64, utf8 } from "./bytes.js";
import type { PublicKey } from "./keys.js";
import { openParcel, type Parcel } from "./parcel.js";
import { checkAnswer, type Lookup, type SignatureFault, WINDOW_S } from "./signature.js";

/** Why a delivery is not believed: the same words in every client. */
export type RefusedCode = SignatureFault | "not_an_envelope" | "does_not_open";

const TEXTS: Record<RefusedCode, string> = {
  unsigned: "the delivery carries no signature that this receiver can check",
  bad_signature: "a signature of the delivery does not fit",
  unknown_key: "the delivery is signed by a key that this receiver does not know",
  stale: "the delivery's time is outside the window",
  not_an_envelope: "the delivery is not an envelope",
  does_not_open: "what is sealed in the delivery does not open",
};

/** A delivery that is not believed: answer 4xx and take nothing from it. */
export class Refused extends Error {
  override readonly name = "Refused";

  constructor(readonly code: RefusedCode) {
    super(TEXTS[code]);
  }
}

/** An event, checked and opened. */
export interface Notice<Resource = unknown> {
  /** The same id again is the same event, delivered again. */
  readonly id: string;
  /** What happened, such as `order.paid`. */
  readonly type: string;
  readonly created_at: string;
  readonly api_version: string;
  /** Grows per object. */
  readonly object_version: number;
  /** The object as it was then; `null` for a merchant without an API key, see `href`. */
  readonly resource: Resource;
  /** Where to read the event, signed, when it was not sent along. */
  readonly href?: string;
}

/** The merchant's key that resources are sealed under. */
export interface ApiKey {
  readonly id: string;
  /** Base64 of 32 bytes for AES-256-GCM, or of 16 for SM4-GCM. */
  readonly key: string;
}

export interface ReceiverOptions {
  /** The endpoint's secret, `whsec_…`; while it is changed over, both. An order's `notify_url` has none. */
  readonly secret?: string | readonly string[];
  /** Your API keys; while one is changed over, both. */
  readonly apiKeys?: readonly ApiKey[];
  /** The platform's keys, pinned (`PublicKey.read`). Without them the secret alone is believed. */
  readonly platformKeys?: readonly PublicKey[];
  /** Seconds that a delivery's time may lie before or after ours; 300 unless given. */
  readonly windowS?: number;
  /** The present in milliseconds; `Date.now` unless given. */
  readonly now?: () => number;
}

/** The headers of a delivery: those of the web, or those of Node. */
export type DeliveryHeaders = Headers | Readonly<Record<string, string | readonly string[] | undefined>>;

function lookup(headers: DeliveryHeaders): Lookup {
  if (headers instanceof Headers) return (name) => headers.get(name);
  const byName = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  return (name) => {
    const value = byName.get(name);
    return typeof value === "string" ? value : undefined;
  };
}

function secretBytes(secret: string): Bytes {
  const bytes = secret.startsWith("whsec_") ? fromBase64(secret.slice(6)) : null;
  if (bytes === null || bytes.length < 24) throw new RangeError("an endpoint's secret looks like whsec_ and at least 24 bytes in base64");
  return bytes;
}

function keyBytes({ id, key }: ApiKey): readonly [string, Bytes] {
  const bytes = fromBase64(key);
  if (bytes?.length !== 32 && bytes?.length !== 16) throw new RangeError(`the API key ${id} is not 32 bytes in base64, nor 16`);
  return [id, bytes];
}

async function hmacSha256(secret: Bytes, message: Bytes): Promise<Bytes> {
  const key = await crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, message));
}

/** The `webhook-signature` of a body under an endpoint's secret, `v1,…`: for tests of your own receiver. */
export async function signStandard(secret: string, id: string, timestamp: number, body: Bytes): Promise<string> {
  return `v1,${toBase64(await hmacSha256(secretBytes(secret), concat(utf8(`${id}.${timestamp}.`), body)))}`;
}

/** Compares without telling by time where two texts differ. */
function equal(a: Bytes, b: Bytes): boolean {
  let differs = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) differs |= (a[i] as number) ^ (b[i] ?? 0);
  return differs === 0;
}

interface Envelope {
  readonly id: string;
  readonly type: string;
  readonly created_at: string;
  readonly api_version: string;
  readonly object_version: number;
  readonly resource: Parcel | { readonly algorithm: "NONE"; readonly href: string };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function envelopeOf(body: Bytes): Envelope {
  let read: unknown;
  try {
    read = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    throw new Refused("not_an_envelope");
  }
  const texts = ["id", "type", "created_at", "api_version"];
  const sealed = isRecord(read) && isRecord(read["resource"]) ? read["resource"] : {};
  const members = sealed["algorithm"] === "NONE" ? ["href"] : ["algorithm", "key_id", "nonce", "associated_data", "ciphertext"];
  const whole =
    isRecord(read) &&
    texts.every((name) => typeof (read as Record<string, unknown>)[name] === "string") &&
    Number.isSafeInteger(read["object_version"]) &&
    members.every((name) => typeof sealed[name] === "string");
  if (!whole) throw new Refused("not_an_envelope");
  return read as unknown as Envelope;
}

/** Checks and opens deliveries to one endpoint. */
export class Receiver {
  private readonly secrets: readonly Bytes[];
  private readonly apiKeys: ReadonlyMap<string, Bytes>;
  private readonly keys: readonly PublicKey[];
  private readonly windowS: number;
  private readonly now: () => number;

  constructor({ secret = [], apiKeys = [], platformKeys = [], windowS = WINDOW_S, now = Date.now }: ReceiverOptions) {
    this.secrets = (typeof secret === "string" ? [secret] : secret).map(secretBytes);
    this.apiKeys = new Map(apiKeys.map(keyBytes));
    this.keys = platformKeys;
    this.windowS = windowS;
    this.now = now;
  }

  /** Checks a delivery, whose `body` is the bytes as received, and opens it. Throws `Refused`. */
  async open<Resource = unknown>(headers: DeliveryHeaders, body: Uint8Array | string): Promise<Notice<Resource>> {
    const bytes = typeof body === "string" ? utf8(body) : new Uint8Array(body);
    const [header, now] = [lookup(headers), Math.floor(this.now() / 1000)];
    const own = await this.ownForm(header, bytes, now);
    const standardId = await this.standardForm(header, bytes, now);
    if (!own && standardId === null) throw new Refused("unsigned");
    const envelope = envelopeOf(bytes);
    if (standardId !== null && standardId !== envelope.id) throw new Refused("not_an_envelope");
    const { resource, ...event } = envelope;
    if (resource.algorithm === "NONE") return { ...event, resource: null as Resource, href: resource.href };
    const key = this.apiKeys.get(resource.key_id);
    const opened = key === undefined ? null : await openParcel(key, resource, envelope.id);
    if (opened === null) throw new Refused("does_not_open");
    return { ...event, resource: resourceOf(opened) as Resource };
  }

  private async ownForm(header: Lookup, body: Bytes, now: number): Promise<boolean> {
    if (this.keys.length === 0) return false;
    const fault = await checkAnswer(header, body, this.keys, now, this.windowS);
    if (fault !== null && fault !== "unsigned") throw new Refused(fault);
    return fault === null;
  }

  /** The id that the Standard Webhooks signature covers, where that is there. */
  private async standardForm(header: Lookup, body: Bytes, now: number): Promise<string | null> {
    const [id, at, signatures] = [header("webhook-id"), header("webhook-timestamp"), header("webhook-signature")];
    if (signatures === null || signatures === undefined) return null;
    if (!id || !at || !/^[0-9]{1,12}$/.test(at)) throw new Refused("bad_signature");
    const text = concat(utf8(`${id}.${at}.`), body);
    const checked = (await Promise.all(signatures.split(" ").map((one) => this.fits(one, text)))).filter((one) => one !== null);
    if (checked.length === 0) return null;
    if (!checked.includes(true)) throw new Refused("bad_signature");
    if (Math.abs(now - Number(at)) > this.windowS) throw new Refused("stale");
    return id;
  }

  /** Whether one part of the signature fits; `null` where this receiver has no key to tell. */
  private async fits(signature: string, text: Bytes): Promise<boolean | null> {
    const [version, tag] = signature.split(",", 2);
    const bytes = fromBase64(tag ?? "") ?? new Uint8Array();
    if (version === "v1" && this.secrets.length > 0) {
      const tags = await Promise.all(this.secrets.map((secret) => hmacSha256(secret, text)));
      return tags.some((expected) => equal(expected, bytes));
    }
    const keys = this.keys.filter((key) => key.suite === "ED25519");
    if (version !== "v1a" || keys.length === 0) return null;
    return bytes.length === 64 && (await Promise.all(keys.map((key) => key.verify(text, bytes)))).includes(true);
  }
}

function resourceOf(opened: Bytes): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(opened));
  } catch {
    throw new Refused("not_an_envelope");
  }
}

/**
 * Which version of each object was seen: the rule by which deliveries are put in order. In memory; a server
 * keeps the version beside the object in its database and updates only where it grows.
 */
export class Newest {
  private readonly seen = new Map<string, number>();

  /** Whether this version of the object is newer than all seen before; then it is remembered. */
  take(object: string, version: number): boolean {
    if ((this.seen.get(object) ?? -Infinity) >= version) return false;
    this.seen.set(object, version);
    return true;
  }
}
