// What is told to the person: waiting, nothing there, what went wrong and what to do.

import { type ReactNode, useEffect, useRef } from "react";

import { ApiProblem, NoAnswer } from "../api/client.ts";
import type { Loaded } from "../load.ts";
import { useSettings } from "../settings.tsx";
import { common } from "../texts/common.ts";
import { problemText } from "../texts/problems.ts";
import { Icon, type IconName } from "./icons.tsx";

export function Busy({ text }: { text?: string }) {
  const { say } = useSettings();
  return (
    <p className="busy" role="status">
      {text ?? say(common.loading)}
    </p>
  );
}

export function Empty({ icon = "records", children }: { icon?: IconName; children: ReactNode }) {
  return (
    <div className="empty">
      <Icon name={icon} />
      {children}
    </div>
  );
}

export type TipKind = "plain" | "warn" | "bad" | "good";

export function Tip({ kind = "plain", title, alert = false, children }: { kind?: TipKind; title?: string; alert?: boolean; children?: ReactNode }) {
  return (
    <div className={`tip ${kind}`} role={alert ? "alert" : undefined}>
      {title === undefined ? null : <strong>{title}</strong>}
      {children}
    </div>
  );
}

/** What an error means in plain words. */
export function useWords(): (error: unknown) => { title: string; more: string } {
  const { language, say } = useSettings();
  return (error) => {
    if (error instanceof ApiProblem) return problemText(error.problem, language);
    if (error instanceof NoAnswer) return { title: say(common.offline), more: say(common.offlineHow) };
    return { title: say(common.broken), more: error instanceof Error ? error.message : "" };
  };
}

/** An error, said once and loudly; `again` offers another try. */
export function Fault({ error, again }: { error: unknown; again?: () => void }) {
  const { say } = useSettings();
  const words = useWords();
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (error) place.current?.scrollIntoView({ block: "nearest" });
  }, [error]);
  if (!error) return null;
  const { title, more } = words(error);
  return (
    <div className="tip bad" role="alert" ref={place}>
      <strong>⚠ {title}</strong>
      {more === "" ? null : <span>{more}</span>}
      {again === undefined ? null : (
        <div className="row">
          <button type="button" onClick={again}>
            {say(common.again)}
          </button>
        </div>
      )}
    </div>
  );
}

/** Shows what was loaded; until then that it is, and where it failed why. What was there before stays in sight. */
export function Shown<T>({ of, children }: { of: Loaded<T>; children: (value: T) => ReactNode }) {
  if (of.value === undefined) return of.error ? <Fault error={of.error} again={of.reload} /> : <Busy />;
  return (
    <>
      {of.error ? <Fault error={of.error} again={of.reload} /> : null}
      {children(of.value)}
    </>
  );
}
