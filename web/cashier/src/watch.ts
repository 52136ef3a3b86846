// Follows one order by long polls until nothing changes any more.
//
// One request is open at a time. The server answers when the state is no longer the one that was
// seen, or after WAIT_MS. Without an answer it is asked again after 1, 2, 4, 8, then every 15
// seconds, and at once when the network is back or the page is looked at again. A server that has too
// many waiting answers at once that nothing has changed; then it is asked every few seconds instead.

import { ApiProblem, ask } from "@shared/api.ts";

import { type CashierOrder, isFinal } from "./order.ts";

/** Milliseconds that the server may hold a request: below the minute after which proxies hang up. */
export const WAIT_MS = 25_000;
/** Milliseconds after which a request counts as lost: the wait, and a slow network's ten seconds. */
export const LOST_MS = WAIT_MS + 10_000;
/** Milliseconds before the next try, by failures in a row. */
export const PAUSES_MS = [1_000, 2_000, 4_000, 8_000, 15_000] as const;

/** Milliseconds from which an unchanged answer counts as one that was waited for. */
export const WAITED_MS = 2_000;
/** Milliseconds between questions where the server does not let us wait. */
export const UNWAITED_PAUSE_MS = 3_000;

/** How the page's line to the server is. */
export type Line = "connected" | "lost" | "busy";

export interface Watched {
  /** A first or new look at the order. */
  seen(order: CashierOrder): void;
  /** The line changed. */
  line(line: Line): void;
  /** No order has this address. */
  missing(): void;
}

/** What a watch needs of the world; tests give their own. */
export interface World {
  ask: typeof ask;
  /** Milliseconds of a clock that never goes back. */
  now(): number;
  /** Calls `then` after `ms`; the answer cancels it. */
  after(ms: number, then: () => void): () => void;
}

const BROWSER: World = {
  ask,
  now: () => performance.now(),
  after(ms, then) {
    const timer = setTimeout(then, ms);
    return () => clearTimeout(timer);
  },
};

export class Watch {
  #stopped = false;
  #failures = 0;
  #line: Line | null = null;
  #state: string | null = null;
  #hurry: (() => void) | null = null;
  #again = false;
  #open: AbortController | null = null;

  /** `address` is the order's at the API. */
  constructor(
    private readonly address: string,
    private readonly watched: Watched,
    private readonly world: World = BROWSER,
  ) {}

  /** Follows the order; ends when it is final, missing, or stopped. */
  async run(): Promise<void> {
    while (!this.#stopped) {
      const pause = await this.#look();
      if (pause > 0 && !this.#stopped) await this.#rest(pause);
    }
  }

  /**
   * Asks again now: the network is back, or somebody looks at the page again. A request that is open
   * is given up, since a phone that slept has often lost it without saying so.
   */
  kick(): void {
    if (this.#hurry !== null) return this.#hurry();
    this.#again = true;
    this.#open?.abort();
  }

  stop(): void {
    this.#stopped = true;
    this.#open?.abort();
    this.#hurry?.();
  }

  /** One request; the answer is how long to rest after it. */
  async #look(): Promise<number> {
    const query = this.#state === null ? "" : `?wait_ms=${WAIT_MS}&seen=${this.#state}`;
    const open = new AbortController();
    this.#open = open;
    const [asked, before] = [this.world.now(), this.#state];
    const giveUp = this.world.after(LOST_MS, () => open.abort());
    try {
      const { body } = await this.world.ask<CashierOrder>(`${this.address}${query}`, { signal: open.signal });
      this.#seen(body);
      return body.state === before && this.world.now() - asked < WAITED_MS ? UNWAITED_PAUSE_MS : 0;
    } catch (error) {
      return this.#failed(error);
    } finally {
      giveUp();
      this.#open = null;
    }
  }

  #seen(order: CashierOrder): void {
    this.#failures = 0;
    this.#again = false;
    this.#state = order.state;
    this.#say("connected");
    this.watched.seen(order);
    if (isFinal(order.state)) this.#stopped = true;
  }

  #failed(error: unknown): number {
    if (this.#stopped) return 0;
    if (this.#again) {
      this.#again = false;
      return 0;
    }
    if (error instanceof ApiProblem && error.problem.status === 404) {
      this.#stopped = true;
      this.watched.missing();
      return 0;
    }
    const pause = PAUSES_MS[Math.min(this.#failures, PAUSES_MS.length - 1)] ?? 0;
    this.#failures++;
    this.#say(error instanceof ApiProblem ? "busy" : "lost");
    return Math.max(pause, error instanceof ApiProblem ? (error.waitMs ?? 0) : 0);
  }

  #rest(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.world.after(ms, () => this.#hurry?.());
      this.#hurry = () => {
        this.#hurry = null;
        cancel();
        resolve();
      };
    });
  }

  #say(line: Line): void {
    if (line === this.#line) return;
    this.#line = line;
    this.watched.line(line);
  }
}
