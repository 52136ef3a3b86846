// What pages read: asked for when they open, again when something has moved, and shown from before meanwhile.
//
// What is named `keep` also lies on the device, so that it opens without network; then the page says so.

import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from "react";

import { api } from "./api/client.ts";
import { keep, kept } from "./keep.ts";

const loaded = new Map<string, unknown>();
const waiting = new Set<() => void>();
let version = 0;

/** Money has moved, or may have: everything on the screen is asked for again. */
export function moved(): void {
  version += 1;
  for (const hear of waiting) hear();
}

/** Nothing of one person is shown to the next. */
export function forgetLoaded(): void {
  loaded.clear();
  moved();
}

function useVersion(): number {
  return useSyncExternalStore(
    (hear) => {
      waiting.add(hear);
      return () => waiting.delete(hear);
    },
    () => version,
  );
}

export interface Loaded<T> {
  readonly value: T | undefined;
  /** Why the newest try failed; `value` may still hold what was there before. */
  readonly error: unknown;
  readonly loading: boolean;
  readonly reload: () => void;
}

/** Reads `path`, or nothing while it is `null`. */
export function useLoad<T>(path: string | null, { keepIt = false }: { keepIt?: boolean } = {}): Loaded<T> {
  const version = useVersion();
  const [tries, setTries] = useState(0);
  const [state, setState] = useState<{ path: string | null; value: T | undefined; error: unknown; loading: boolean }>(() => ({
    path,
    value: path === null ? undefined : (loaded.get(path) as T | undefined),
    error: undefined,
    loading: path !== null,
  }));
  const last = useRef<string | null>(null);
  useEffect(() => {
    if (path === null) return;
    const stop = new AbortController();
    const before = loaded.get(path) as T | undefined;
    setState({ path, value: before, error: undefined, loading: true });
    const show = (value: T | undefined, error: unknown, loading: boolean) => {
      if (!stop.signal.aborted) setState((was) => ({ path, value: value ?? (was.path === path ? was.value : undefined), error, loading }));
    };
    if (before === undefined && keepIt) void kept<T>(`seen:${path}`).then((seen) => loaded.has(path) || show(seen, undefined, true)).catch(() => {});
    api<T>(path, { signal: stop.signal })
      .then((value) => {
        loaded.set(path, value);
        if (keepIt) void keep(`seen:${path}`, value).catch(() => {});
        show(value, undefined, false);
      })
      .catch((error: unknown) => show(undefined, error, false));
    last.current = path;
    return () => stop.abort();
  }, [path, version, tries, keepIt]);
  const reload = useCallback(() => setTries((before) => before + 1), []);
  const current = state.path === path;
  return { value: current ? state.value : undefined, error: current ? state.error : undefined, loading: path !== null && (!current || state.loading), reload };
}
