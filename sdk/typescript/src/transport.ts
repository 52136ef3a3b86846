// One call: signed, sent, repeated where that is safe, and its answer's signature checked.

import { type Bytes, utf8 } from "./bytes.js";
import type { Route } from "./generated/api.js";
import type { PublicKey, SigningKey } from "./keys.js";
import { OutcomeUnknown, Problem, type ProblemBody, Unacceptable } from "./problem.js";
import { authorize, checkAnswer } from "./signature.js";

export interface Settings {
  /** Where the platform is, such as `https://pay.example.gov.cn`; a path below it is kept. */
  readonly base: string;
  /** Who signs: the merchant's id. */
  readonly mchid: string;
  readonly key: SigningKey;
  /** The platform's keys. */
  platformKeys: readonly PublicKey[];
  /** Reads the platform's keys again; not there where they are pinned. */
  readonly renew?: (() => Promise<readonly PublicKey[]>) | undefined;
  /** Milliseconds for one try. */
  readonly timeoutMs: number;
  /** Tries in all, when the answer is lost or the service asks for patience. */
  readonly tries: number;
  /** The longest `Retry-After` that is waited for, seconds; a longer one is handed to the caller. */
  readonly longestWaitS: number;
  readonly fetch: typeof fetch;
  /** The present in milliseconds. */
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}

export interface Call {
  readonly route: Route;
  /** Path with query. */
  readonly target: string;
  readonly body: Bytes;
  /** The body's content type; none without a body. */
  readonly contentType?: string | undefined;
  readonly idempotencyKey?: string | undefined;
  /** The platform's encryption key that the body is sealed for. */
  readonly sealedWith?: string | undefined;
  /** Asks what became of the call when its answer was lost; `undefined` when nothing is known of it. */
  readonly query?: (() => Promise<unknown>) | undefined;
}

/** Problems that come before a signature was accepted, so nobody signs them. Nothing else is believed unsigned. */
const BEFORE_THE_GATE = new Set([
  "signature_missing", "signature_invalid", "signature_suite_mismatch", "timestamp_out_of_window", "nonce_reused", "key_unknown",
  "rate_limited", "body_too_large", "headers_too_large", "request_timeout", "method_not_allowed", "overloaded", "stopping",
  "internal", "outcome_unknown",
]);

const nameOf = ({ route, target }: Call): string => `${route.method} ${target.split("?")[0] as string}`;

/** The answer's body as received. Throws `Problem`, `OutcomeUnknown` or `Unacceptable`. */
export async function send(settings: Settings, call: Call): Promise<unknown> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await once(settings, call);
    } catch (error) {
      const wait = patience(error, attempt);
      if (attempt >= settings.tries || wait === null || wait > settings.longestWaitS) throw error;
      await settings.sleep(1000 * wait + 100 * attempt);
      if (error instanceof OutcomeUnknown && call.query !== undefined) {
        const found = await call.query().catch(() => undefined);
        if (found !== undefined) return found;
      }
    }
  }
}

/** Seconds to wait before another try; `null` when there is to be none. */
function patience(error: unknown, attempt: number): number | null {
  if (error instanceof OutcomeUnknown) return Math.floor(attempt / 2);
  if (error instanceof Problem && error.retryable) return error.retryAfter ?? 1;
  return null;
}

async function once(settings: Settings, call: Call): Promise<unknown> {
  const { base, mchid, key, fetch, now } = settings;
  const asked = nameOf(call);
  const timestamp = Math.floor(now() / 1000);
  // The path is signed as the platform names it: a path that `base` has belongs to what stands before it.
  const headers: Record<string, string> = { authorization: await authorize(key, { mchid, method: call.route.method, target: call.target, body: call.body, timestamp }) };
  if (call.contentType !== undefined) headers["content-type"] = call.contentType;
  if (call.sealedWith !== undefined) headers["jialing-sealed-with"] = call.sealedWith;
  if (call.idempotencyKey !== undefined) headers["idempotency-key"] = call.idempotencyKey;
  let response: Response;
  let body: Bytes;
  try {
    const signal = AbortSignal.timeout(settings.timeoutMs);
    const sent = call.contentType === undefined ? null : call.body;
    response = await fetch(base.replace(/\/+$/, "") + call.target, { method: call.route.method, headers, body: sent, redirect: "manual", signal });
    body = new Uint8Array(await response.arrayBuffer());
  } catch (cause) {
    throw new OutcomeUnknown(asked, { cause });
  }
  return read(settings, call, asked, response, body);
}

async function read(settings: Settings, { route }: Call, asked: string, response: Response, body: Bytes): Promise<unknown> {
  const check = () => checkAnswer((name) => response.headers.get(name), body, settings.platformKeys, Math.floor(settings.now() / 1000));
  let fault = await check();
  if (fault === "unknown_key" && settings.renew !== undefined) {
    // The platform has a new key since the directory was read.
    settings.platformKeys = await settings.renew();
    fault = await check();
  }
  if (fault !== null && fault !== "unsigned") throw new Unacceptable(asked, `its signature is ${fault}`);
  const signed = fault === null;
  if (!response.ok) throw failure(asked, response, body, signed);
  // A file is streamed and not signed: its digest, or what is in it, is in answers that are.
  if (route.answer !== "json") return route.answer === "text" ? new TextDecoder().decode(body) : body;
  if (!signed) throw new Unacceptable(asked, "it is not signed");
  return body.length === 0 ? undefined : json(asked, body);
}

function failure(asked: string, response: Response, body: Bytes, signed: boolean): Error {
  let problem: ProblemBody;
  try {
    problem = json(asked, body) as ProblemBody;
    if (typeof problem !== "object" || problem === null || typeof problem.code !== "string") throw new TypeError("no code");
  } catch (cause) {
    if (response.status >= 500) return new OutcomeUnknown(asked, { cause: new Error(`status ${response.status}`) });
    return new Unacceptable(asked, `status ${response.status} without a problem: ${String(cause)}`);
  }
  if (!signed && !BEFORE_THE_GATE.has(problem.code)) return new Unacceptable(asked, `it says ${problem.code} and is not signed`);
  const after = Number(response.headers.get("retry-after") ?? Number.NaN);
  const told = problem.retry_after ?? (Number.isFinite(after) ? after : undefined);
  return new Problem(told === undefined ? problem : { ...problem, retry_after: told }, signed, asked);
}

function json(asked: string, body: Bytes): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    throw new Unacceptable(asked, "it is not JSON");
  }
}

/** The content type of a body: bytes and text go as they are, anything else as JSON. */
export function contentTypeOf({ body: types }: Route, body: unknown): string | undefined {
  if (body === undefined) return undefined;
  const asItIs = body instanceof Uint8Array || typeof body === "string";
  return types.find((one) => (one === "application/json") !== asItIs) ?? types[0];
}

/** A body as it is sent and signed: the same bytes. */
export function bodyOf(body: unknown): Bytes {
  if (body === undefined) return new Uint8Array();
  if (body instanceof Uint8Array) return new Uint8Array(body);
  return utf8(typeof body === "string" ? body : JSON.stringify(body));
}
