// Hears of notices: from the server's stream where it has one, else by asking now and then while the page
// is seen. Whatever is heard, the pages ask for what they show again.

import { useEffect, useSyncExternalStore } from "react";

import { ApiProblem, api, bearer } from "./api/client.ts";
import type { Notice } from "./api/types.ts";
import { moved } from "./load.ts";

/** Between two questions for what is unread, milliseconds, where there is no stream. */
const ASK_MS = 5_000;
/** Before a stream that ended is opened again, milliseconds: at first, and at most. */
const AGAIN_MS = [1_000, 30_000] as const;

let unread = 0;
const ears = new Set<() => void>();
const heard = new Set<(notice: Notice) => void>();

function tell(count: number): void {
  if (count === unread) return;
  unread = count;
  for (const ear of ears) ear();
}

/** Calls `hear` with each notice that arrives while the page is open. */
export function useNotices(hear: (notice: Notice) => void): void {
  useEffect(() => {
    heard.add(hear);
    return () => void heard.delete(hear);
  }, [hear]);
}

/** Listens for as long as the caller is shown. One of a page does: the server allows a person few streams. */
export function useLive(): void {
  useEffect(() => {
    const stop = new AbortController();
    void listen(stop.signal);
    const seen = () => document.visibilityState === "visible" && void count();
    document.addEventListener("visibilitychange", seen);
    return () => {
      stop.abort();
      document.removeEventListener("visibilitychange", seen);
    };
  }, []);
}

/** How many notices are unread. */
export function useUnread(): number {
  return useSyncExternalStore(
    (ear) => {
      ears.add(ear);
      return () => ears.delete(ear);
    },
    () => unread,
  );
}

/** Asks how many are unread; where there are more than before, something has happened. */
export async function count(): Promise<void> {
  try {
    const { unread: found } = await api<{ unread: number }>("/v1/wallet/notices/unread");
    const more = found > unread;
    tell(found);
    if (more) moved();
  } catch {
    // The next question will tell.
  }
}

async function listen(signal: AbortSignal): Promise<void> {
  await count();
  let wait: number = AGAIN_MS[0];
  let last: string | null = null;
  while (!signal.aborted) {
    try {
      last = await stream(signal, last);
      wait = AGAIN_MS[0];
    } catch (error) {
      if (error instanceof ApiProblem && error.problem.status === 404) return poll(signal);
      wait = Math.min(wait * 2, AGAIN_MS[1]);
    }
    await pause(wait, signal);
    if (!signal.aborted) await count();
  }
}

async function poll(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await pause(ASK_MS, signal);
    if (!signal.aborted && document.visibilityState === "visible") await count();
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}

/** Reads the stream to its end. Answers the id of the last notice, to go on from. */
async function stream(signal: AbortSignal, last: string | null): Promise<string | null> {
  const response = await fetch("/v1/wallet/notices/stream", {
    headers: { accept: "text/event-stream", ...bearer(), ...(last === null ? {} : { "last-event-id": last }) },
    cache: "no-store",
    signal,
  });
  if (!response.ok || response.body === null) {
    throw new ApiProblem({ code: "stream", title: "", status: response.status, retryable: true });
  }
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return last;
    const { events, left } = eventsOf(rest + value);
    rest = left;
    for (const { id, data } of events) {
      last = id ?? last;
      if (data === "") continue;
      tell(unread + 1);
      const notice = JSON.parse(data) as Notice;
      for (const hear of heard) hear(notice);
      moved();
    }
  }
}

/** The whole events at the beginning of `text`, and what is left after them. */
export function eventsOf(text: string): { events: { id: string | null; data: string }[]; left: string } {
  const blocks = text.replace(/\r\n?/g, "\n").split("\n\n");
  const left = blocks.pop() ?? "";
  const events = blocks.map((block) => {
    let id: string | null = null;
    const data: string[] = [];
    for (const line of block.split("\n")) {
      if (line.startsWith("id:")) id = line.slice(3).trim();
      if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
    }
    return { id, data: data.join("\n") };
  });
  return { events: events.filter(({ id, data }) => id !== null || data !== ""), left };
}
