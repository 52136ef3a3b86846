import { afterEach, expect, test, vi } from "vitest";

import { ApiProblem, ask, NoAnswer } from "../src/api.ts";

afterEach(() => vi.unstubAllGlobals());

function answering(status: number, body: string) {
  vi.stubGlobal("fetch", async () => new Response(body, { status }));
}

test("an answer is its body", async () => {
  answering(200, '{"a":1}');
  expect((await ask("/x")).body).toEqual({ a: 1 });
});

test("a problem is told with its code and its wait", async () => {
  answering(429, '{"code":"rate_limited","status":429,"title":"Too many","retryable":true,"retry_after":7}');
  const problem = await ask("/x").catch((error: unknown) => error);
  expect(problem).toBeInstanceOf(ApiProblem);
  expect((problem as ApiProblem).waitMs).toBe(7000);
});

test("a 204 has no body, and is an answer", async () => {
  vi.stubGlobal("fetch", async () => new Response(null, { status: 204 }));
  expect((await ask("/x")).body).toBeUndefined();
});

test("whatever else comes is no answer", async () => {
  answering(200, "<html>a proxy</html>");
  await expect(ask("/x")).rejects.toBeInstanceOf(NoAnswer);
  answering(502, '{"error":"bad gateway"}');
  await expect(ask("/x")).rejects.toBeInstanceOf(NoAnswer);
  vi.stubGlobal("fetch", async () => {
    throw new TypeError("network");
  });
  await expect(ask("/x")).rejects.toBeInstanceOf(NoAnswer);
});

test("a request that was given up is not a lost one", async () => {
  const stop = new AbortController();
  stop.abort();
  vi.stubGlobal("fetch", async () => {
    throw new DOMException("aborted", "AbortError");
  });
  await expect(ask("/x", { signal: stop.signal })).rejects.toHaveProperty("name", "AbortError");
});
