// Paths below /developers, without a library: one page, its links, the browser's own history.

import { type AnchorHTMLAttributes, type MouseEvent, useEffect, useSyncExternalStore } from "react";

const ROOT = "/developers";
const MOVED = "jialing:moved";

/** What stands before the site in `pathname`: nothing, or the address of the sandbox that serves it. */
export function prefixOf(pathname: string): string {
  return /^(.*?)\/developers(?:\/|$)/.exec(pathname)?.[1] ?? "";
}

/** What stands before the site's own paths, and before those of the API beside it. */
export const PREFIX = prefixOf(globalThis.location?.pathname ?? "");
const BASE = `${PREFIX}${ROOT}`;

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

/** Goes to `to`, a path that begins with `/developers`, perhaps with a fragment. */
export function go(to: string): void {
  const address = to.startsWith(PREFIX) && PREFIX !== "" ? to : `${PREFIX}${to}`;
  const same = new URL(address, location.href).pathname === location.pathname;
  history.pushState(null, "", address);
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
  const own = [BASE, ROOT].some((base) => link.pathname === base || link.pathname.startsWith(`${base}/`));
  if (!own || link.getAttribute("href")?.startsWith("#")) return;
  event.preventDefault();
  go(link.pathname + link.search + link.hash);
}
