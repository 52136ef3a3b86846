// Paths below /developers, without a library: one page, its links, the browser's own history.

import { type AnchorHTMLAttributes, type MouseEvent, useEffect, useSyncExternalStore } from "react";

const BASE = "/developers";
const MOVED = "jialing:moved";

/** The path below the base, without a slash at its end: `/`, `/api/create_order`. */
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

export function useHash(): string {
  return useSyncExternalStore(subscribe, () => decodeURIComponent(location.hash.slice(1)));
}

/** Goes to `to`, a path with the base in it, perhaps with a fragment. */
export function go(to: string): void {
  const same = new URL(to, location.href).pathname === location.pathname;
  history.pushState(null, "", to);
  dispatchEvent(new Event(MOVED));
  if (!same) scrollTo(0, 0);
}

/** Scrolls to the fragment's element once `ready`, since most pages come later than their address. */
export function useFragment(ready: unknown): void {
  const hash = useHash();
  useEffect(() => {
    if (ready && hash) document.getElementById(hash)?.scrollIntoView();
  }, [ready, hash]);
}

function plainClick(event: MouseEvent): boolean {
  return event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
}

/** A link of the site; `to` is the path below the base. */
export function Link({ to, onClick, ...rest }: { to: string } & AnchorHTMLAttributes<HTMLAnchorElement>) {
  const href = `${BASE}${to === "/" ? "/" : to}`;
  return (
    <a
      {...rest}
      href={href}
      onClick={(event) => {
        onClick?.(event);
        if (event.defaultPrevented || !plainClick(event)) return;
        event.preventDefault();
        go(href);
      }}
    />
  );
}

/** Takes clicks on links of the site inside HTML that was rendered at build time. */
export function followLinks(event: MouseEvent): void {
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  if (link === null || !plainClick(event) || link.origin !== location.origin) return;
  const own = link.pathname === BASE || link.pathname.startsWith(`${BASE}/`);
  if (!own || link.getAttribute("href")?.startsWith("#")) return;
  event.preventDefault();
  go(link.pathname + link.search + link.hash);
}
