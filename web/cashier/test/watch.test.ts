// The watch against a server that is written down answer by answer, and a clock that the test moves.

import { expect, test } from "vitest";

import { ApiProblem, NoAnswer } from "@shared/api.ts";

import type { OrderState } from "../src/order.ts";
import { LOST_MS, PAUSES_MS, UNWAITED_PAUSE_MS, Watch, type World } from "../src/watch.ts";

type Said = OrderState | "lost" | "busy" | "missing" | "hangs" | "waited";

function problem(status: number, retry_after?: number): ApiProblem {
  const body = { code: status === 404 ? "not_found" : "rate_limited", title: "", status, retryable: true };
  return new ApiProblem(retry_after === undefined ? body : { ...body, retry_after });
}

/** A server that says these one after the other, and what came of it. */
class Stage {
  readonly asked: string[] = [];
  readonly heard: string[] = [];
  readonly pauses: number[] = [];
  #timers: { ms: number; then: () => void }[] = [];
  #hung: (() => void) | null = null;
  clock = 0;

  constructor(private readonly script: Said[]) {}

  readonly world: World = {
    ask: async (path: string, init) => {
      this.asked.push(path);
      const said = this.script.shift();
      switch (said) {
        case undefined:
        case "hangs":
          return new Promise((_, reject) => {
            init?.signal?.addEventListener("abort", () => reject(new DOMException("given up", "AbortError")));
            this.#hung?.();
          });
        case "lost":
          throw new NoAnswer("network");
        case "busy":
          throw problem(429, 30);
        case "missing":
          throw problem(404);
        case "waited":
          this.clock += 25_000;
          return { body: { state: "NOTPAY" } as never, headers: new Headers() };
        default:
          return { body: { state: said } as never, headers: new Headers() };
      }
    },
    now: () => this.clock,
    after: (ms, then) => {
      const timer = { ms, then };
      this.#timers.push(timer);
      if (ms !== LOST_MS) this.pauses.push(ms);
      return () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
      };
    },
  };

  watch(): Watch {
    const note = (text: string) => void this.heard.push(text);
    return new Watch("/v1/public/cashier/t", { seen: ({ state }) => note(state), line: note, missing: () => note("missing") }, this.world);
  }

  /** Lets every timer of at most `ms` ring. */
  async ring(ms: number): Promise<void> {
    for (const timer of this.#timers.filter((timer) => timer.ms <= ms)) {
      this.#timers = this.#timers.filter((other) => other !== timer);
      timer.then();
    }
    await settled();
  }

  /** Waits until a request hangs. */
  hanging(): Promise<void> {
    return new Promise((resolve) => {
      this.#hung = resolve;
    });
  }
}

/** Lets everything that is ready run. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

test("an order is followed until it is paid, telling the server what was seen", async () => {
  const stage = new Stage(["NOTPAY", "USERPAYING", "SUCCESS"]);
  await stage.watch().run();
  expect(stage.heard).toEqual(["connected", "NOTPAY", "USERPAYING", "SUCCESS"]);
  expect(stage.asked).toEqual([
    "/v1/public/cashier/t",
    "/v1/public/cashier/t?wait_ms=25000&seen=NOTPAY",
    "/v1/public/cashier/t?wait_ms=25000&seen=USERPAYING",
  ]);
});

test("an unknown order ends the watch", async () => {
  const stage = new Stage(["missing"]);
  await stage.watch().run();
  expect(stage.heard).toEqual(["missing"]);
});

test("a lost network is said once, asked again with growing pauses, and found again", async () => {
  const stage = new Stage(["NOTPAY", "lost", "lost", "lost", "lost", "lost", "lost", "SUCCESS"]);
  const run = stage.watch().run();
  for (let tries = 0; tries < 6; tries++) {
    await settled();
    await stage.ring(PAUSES_MS[4]);
  }
  await run;
  expect(stage.pauses).toEqual([...PAUSES_MS, PAUSES_MS[4]]);
  expect(stage.heard).toEqual(["connected", "NOTPAY", "lost", "connected", "SUCCESS"]);
});

test("a busy server is left alone as long as it asks for", async () => {
  const stage = new Stage(["busy", "SUCCESS"]);
  const run = stage.watch().run();
  await settled();
  expect(stage.pauses).toEqual([30_000]);
  await stage.ring(30_000);
  await run;
  expect(stage.heard).toEqual(["busy", "connected", "SUCCESS"]);
});

test("a request that hangs is given up and counts as lost", async () => {
  const stage = new Stage(["NOTPAY", "hangs", "SUCCESS"]);
  const hangs = stage.hanging();
  const run = stage.watch().run();
  await hangs;
  await stage.ring(LOST_MS);
  await stage.ring(PAUSES_MS[0]);
  await run;
  expect(stage.heard).toEqual(["connected", "NOTPAY", "lost", "connected", "SUCCESS"]);
});

test("whoever looks at the page again sees the order at once, and hears of no lost network", async () => {
  const stage = new Stage(["NOTPAY", "hangs", "SUCCESS"]);
  const hangs = stage.hanging();
  const watch = stage.watch();
  const run = watch.run();
  await hangs;
  watch.kick();
  await run;
  expect(stage.heard).toEqual(["connected", "NOTPAY", "SUCCESS"]);
});

test("a kick ends a pause, and a stop ends everything", async () => {
  const stage = new Stage(["lost", "NOTPAY", "hangs"]);
  const hangs = stage.hanging();
  const watch = stage.watch();
  const run = watch.run();
  await settled();
  watch.kick();
  await hangs;
  watch.stop();
  await run;
  expect(stage.heard).toEqual(["lost", "connected", "NOTPAY"]);
});

test("a server that lets nobody wait is asked every few seconds; one that does is asked again at once", async () => {
  const stage = new Stage(["NOTPAY", "waited", "NOTPAY", "SUCCESS"]);
  const run = stage.watch().run();
  await settled();
  expect(stage.pauses).toEqual([UNWAITED_PAUSE_MS]);
  await stage.ring(UNWAITED_PAUSE_MS);
  await run;
  expect(stage.asked).toHaveLength(4);
});
