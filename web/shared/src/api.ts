// Asking the platform's API: an answer, a problem that it named, or no answer at all.

/** An error as the API answers it, RFC 9457. */
export interface ProblemBody {
  readonly type?: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail?: string;
  readonly field?: string;
  readonly request_id?: string;
  readonly retryable: boolean;
  readonly retry_after?: number;
}

/** The API said no, and why. */
export class ApiProblem extends Error {
  override readonly name = "ApiProblem";
  constructor(readonly problem: ProblemBody) {
    super(`${problem.code}: ${problem.detail ?? problem.title}`);
  }

  /** Milliseconds to wait before asking again, where the answer says it. */
  get waitMs(): number | null {
    return this.problem.retry_after === undefined ? null : this.problem.retry_after * 1000;
  }
}

/** There was no answer, or none that the API gives: the network, a proxy, a server that is being replaced. */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer";
}

export interface Answer<T> {
  readonly body: T;
  readonly headers: Headers;
}

/** Asks for JSON; a 204 has no body. Throws `ApiProblem`, `NoAnswer`, or an `AbortError` when `signal` fires. */
export async function ask<T>(path: string, init: RequestInit = {}): Promise<Answer<T>> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(path, { credentials: "omit", cache: "no-store", ...init });
    text = await response.text();
  } catch (error) {
    if (init.signal?.aborted === true) throw error;
    throw new NoAnswer(error instanceof Error ? error.message : String(error));
  }
  if (response.status === 204) return { body: undefined as T, headers: response.headers };
  const body = parsed(text);
  if (response.ok && body !== undefined) return { body: body as T, headers: response.headers };
  if (isProblem(body)) throw new ApiProblem(body);
  throw new NoAnswer(`status ${response.status} without a body that the API gives`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isProblem(body: unknown): body is ProblemBody {
  return typeof body === "object" && body !== null && "code" in body && "status" in body && typeof body.code === "string";
}
