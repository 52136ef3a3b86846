// What stands around every page: its bar with the way back, its title, and where a screen reader begins.

import { type ReactNode, useEffect, useRef } from "react";

import { goBack } from "../router.tsx";
import { useSettings } from "../settings.tsx";
import { common } from "../texts/common.ts";

interface PageProps {
  title: string;
  /** Where back leads when the wallet was opened here; no way back where it is `null`. */
  back?: string | null | (() => void);
  end?: ReactNode;
  foot?: ReactNode;
  children: ReactNode;
}

export function useTitle(title: string): void {
  const { say } = useSettings();
  const site = say(common.name);
  useEffect(() => {
    document.title = title === site ? site : `${title} · ${site}`;
  }, [title, site]);
}

export function Page({ title, back = "/", end, foot, children }: PageProps) {
  const { say } = useSettings();
  const main = useRef<HTMLElement>(null);
  useTitle(title);
  useEffect(() => {
    // After a step a screen reader begins at the new page, unless the page put the focus where it wants it.
    if (document.activeElement === document.body || document.activeElement === null) main.current?.focus({ preventScroll: true });
  }, [title]);
  return (
    <>
      <header className="bar">
        {back === null ? (
          <span />
        ) : (
          <button type="button" className="back" aria-label={say(common.back)} onClick={() => (typeof back === "function" ? back() : goBack(back))}>
            ‹
          </button>
        )}
        <h1>{title}</h1>
        <span className="end">{end}</span>
      </header>
      <main ref={main} tabIndex={-1} id="main">
        {children}
      </main>
      {foot === undefined ? null : <div className="foot">{foot}</div>}
    </>
  );
}
