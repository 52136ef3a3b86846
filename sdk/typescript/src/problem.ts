// What can go wrong between a client and the platform: it said no, no answer came, or one came that cannot be
// believed. Decide by `code`; its text never changes.

import type { Code } from "./generated/api.js";

/** The platform's own account of what went wrong, RFC 9457. */
export interface ProblemBody {
  /** The page that explains the code. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: Code | (string & {});
  readonly detail: string;
  readonly request_id: string;
  readonly retryable: boolean;
  /** The field at fault. */
  readonly field?: string;
  /** Seconds to wait. */
  readonly retry_after?: number;
  readonly [member: string]: unknown;
}

/** The platform said no. */
export class Problem extends Error {
  override readonly name = "Problem";

  constructor(
    readonly body: ProblemBody,
    /** Whether the platform's signature was on it. Problems with the request's own signature come without. */
    readonly signed: boolean,
    /** Method and path. */
    readonly asked: string,
  ) {
    super(`${body.title} (${body.code}): ${body.detail} [${asked}, ${body.request_id}]`);
  }

  get code(): Code | (string & {}) {
    return this.body.code;
  }

  get status(): number {
    return this.body.status;
  }

  get field(): string | undefined {
    return this.body.field;
  }

  get requestId(): string {
    return this.body.request_id;
  }

  get retryable(): boolean {
    return this.body.retryable;
  }

  /** Seconds the service asks to wait, if it does. */
  get retryAfter(): number | undefined {
    return this.body.retry_after;
  }
}

/** No answer came, in spite of repeating: the work may or may not have been done. Query it; never assume. */
export class OutcomeUnknown extends Error {
  override readonly name = "OutcomeUnknown";

  constructor(
    readonly asked: string,
    options: { cause: unknown },
  ) {
    super(`no answer to ${asked}: the outcome is unknown; query it, or send the same again under the same number`, options);
  }
}

/** An answer came that cannot be believed: unsigned, wrongly signed, or not of the documented shape. */
export class Unacceptable extends Error {
  override readonly name = "Unacceptable";

  constructor(
    readonly asked: string,
    readonly why: string,
  ) {
    super(`the answer to ${asked} cannot be accepted: ${why}`);
  }
}

/** Whether `error` is a problem, of one of the codes if some are given. */
export function isProblem(error: unknown, ...codes: readonly Code[]): error is Problem {
  return error instanceof Problem && (codes.length === 0 || codes.includes(error.code as Code));
}
