// The API as the wallet asks it: the session's token, a bound on every wait, and the server's clock.

import { ApiProblem, ask, NoAnswer, type ProblemBody } from "@shared/api.ts";

export { ApiProblem, NoAnswer, type ProblemBody };

/** The longest that an answer is waited for, milliseconds. */
export const PATIENCE_MS = 20_000;

export interface Asking {
  readonly method?: "GET" | "POST" | "PUT" | "DELETE";
  readonly body?: unknown;
  /** The same for every try of one intention. */
  readonly idempotencyKey?: string;
  readonly signal?: AbortSignal;
}

let token: string | null = null;
let ended: () => void = () => {};
let ahead = 0;

/** Sets the token that requests carry, and who hears that the server knows it no more. */
export function authenticate(as: string | null, onEnded: () => void = () => {}): void {
  token = as;
  ended = onEnded;
}

export function bearer(): Record<string, string> {
  return token === null ? {} : { authorization: `Bearer ${token}` };
}

/** Now by the server's clock, milliseconds: a phone's own may be wrong, and signatures have a time. */
export function now(): number {
  return Date.now() + ahead;
}

/** How far the server's clock is ahead of this one, milliseconds. */
export function clockAhead(): number {
  return ahead;
}

export function setClockAhead(milliseconds: number): void {
  ahead = milliseconds;
}

/** Asks and answers the body. Throws `ApiProblem`, `NoAnswer`, or an `AbortError` when `signal` fires. */
export async function api<T>(path: string, { method = "GET", body, idempotencyKey, signal }: Asking = {}): Promise<T> {
  const patience = AbortSignal.timeout(PATIENCE_MS);
  const headers: Record<string, string> = { accept: "application/json", ...bearer() };
  if (method !== "GET") headers["content-type"] = "application/json";
  if (idempotencyKey !== undefined) headers["idempotency-key"] = idempotencyKey;
  const asked = Date.now();
  try {
    const answer = await ask<T>(path, {
      method,
      headers,
      ...(method === "GET" || method === "DELETE" ? {} : { body: JSON.stringify(body ?? {}) }),
      signal: signal ? AbortSignal.any([signal, patience]) : patience,
    });
    hear(answer.headers, asked);
    return answer.body;
  } catch (error) {
    if (error instanceof ApiProblem && error.problem.code === "unauthenticated" && token !== null) ended();
    if (patience.aborted && signal?.aborted !== true && !(error instanceof ApiProblem)) throw new NoAnswer("no answer in time");
    throw error;
  }
}

/** The server's time stands in each answer, to the second; half of the way is taken off. */
function hear(headers: Headers, asked: number): void {
  const date = Date.parse(headers.get("date") ?? "");
  if (Number.isNaN(date)) return;
  const between = (asked + Date.now()) / 2;
  const found = date + 500 - between;
  // Below two seconds the header's own coarseness speaks.
  ahead = Math.abs(found) < 2000 ? 0 : found;
}

/** Whether `error` says that this server does not have the route: a 404 that is no answer of a thing's own. */
export function absent(error: unknown): boolean {
  return error instanceof ApiProblem && (error.problem.status === 404 || error.problem.status === 405);
}
