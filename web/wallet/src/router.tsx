// Paths below /wallet, without a library: one page, its links, the browser's own history.

import { type AnchorHTMLAttributes, type MouseEvent, useSyncExternalStore } from "react";

export const BASE = "/wallet";
const MOVED = "jialing:moved";

/** The path below the base, without a slash at its end: `/`, `/records/txn_1`. */
export function pathOf(pathname: string): string {
  const below = pathname.startsWith(BASE) ? pathname.slice(BASE.length) : pathname;
  return `/${below.replace(/^\/+|\/+$/g, "")}`;
}

function subscribe(changed: () => void): () => void {
  addEventListener("popstate", changed);
  addEventListener(MOVED, changed);
  return () => {
    removeEventListener("popstate", changed);
    removeEventListener(MOVED, changed);
  };
}

export function usePath(): string {
  return useSyncExternalStore(subscribe, () => pathOf(location.pathname));
}

export function useSearch(): URLSearchParams {
  return new URLSearchParams(useSyncExternalStore(subscribe, () => location.search));
}

/** Goes to `to`, a path below the base; `instead` takes the place of this page in the history. */
export function go(to: string, { instead = false }: { instead?: boolean } = {}): void {
  const address = `${BASE}${to}`;
  if (instead) history.replaceState(history.state, "", address);
  else history.pushState({ inside: true }, "", address);
  dispatchEvent(new Event(MOVED));
  scrollTo(0, 0);
}

/** One step back inside the wallet, or to `otherwise` where the wallet was opened on this page. */
export function goBack(otherwise: string): void {
  if ((history.state as { inside?: boolean } | null)?.inside === true) history.back();
  else go(otherwise, { instead: true });
}

function plainClick(event: MouseEvent): boolean {
  return event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
}

/** A link inside the wallet; `to` is the path below the base. */
export function Link({ to, onClick, ...rest }: { to: string } & AnchorHTMLAttributes<HTMLAnchorElement>) {
  return (
    <a
      {...rest}
      href={`${BASE}${to}`}
      onClick={(event) => {
        onClick?.(event);
        if (event.defaultPrevented || !plainClick(event)) return;
        event.preventDefault();
        go(to);
      }}
    />
  );
}
