// How the wallet looks and speaks: language, colours, elder mode. Kept on this device, known to nobody else.

import { type Both, firstLanguage, keepLanguage, type Language, tagOf } from "@shared/language.ts";
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from "react";

export type Theme = "system" | "light" | "dark";

export interface Look {
  readonly theme: Theme;
  readonly elder: boolean;
  /** Height of the elder mode's text, pixels, 18 to 30. */
  readonly size: number;
  /** Sums of money are shown as stars. */
  readonly hidden: boolean;
}

const KEPT = "wallet-look";
export const SIZES = { least: 18, most: 30, step: 2 } as const;
const FIRST: Look = { theme: "system", elder: false, size: 20, hidden: false };

/** A kept look as it may be trusted: anything odd in it is as if it were not there. */
export function lookOf(kept: string | null): Look {
  let found: Partial<Record<keyof Look, unknown>> = {};
  try {
    found = (JSON.parse(kept ?? "{}") ?? {}) as typeof found;
  } catch {
    return FIRST;
  }
  const theme = found.theme === "light" || found.theme === "dark" ? found.theme : "system";
  const size = typeof found.size === "number" ? Math.min(SIZES.most, Math.max(SIZES.least, Math.round(found.size))) : FIRST.size;
  return { theme, size, elder: found.elder === true, hidden: found.hidden === true };
}

function kept(): string | null {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

interface Settings extends Look {
  language: Language;
  setLanguage: (language: Language) => void;
  change: (look: Partial<Look>) => void;
  /** The text in the chosen language, with `{name}` filled in. */
  say: (both: Both, values?: Readonly<Record<string, string | number>>) => string;
}

const Chosen = createContext<Settings | null>(null);

/** `text` with every `{name}` replaced. A name without a value stays, so that a test can find it. */
export function fill(text: string, values: Readonly<Record<string, string | number>> = {}): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

export function SettingsOf({ children }: { children: ReactNode }) {
  const [language, setLanguage] = useState<Language>(firstLanguage);
  const [look, setLook] = useState<Look>(() => lookOf(kept()));
  useEffect(() => {
    document.documentElement.lang = tagOf(language);
  }, [language]);
  useEffect(() => {
    const root = document.documentElement;
    root.dataset.theme = look.theme;
    root.dataset.elder = String(look.elder);
    root.style.setProperty("--text", `${look.elder ? look.size : 16}px`);
    try {
      localStorage.setItem(KEPT, JSON.stringify(look));
    } catch {
      // Storage is switched off: the choice lasts as long as the page.
    }
  }, [look]);
  const settings = useMemo<Settings>(
    () => ({
      ...look,
      language,
      setLanguage: (chosen) => {
        keepLanguage(chosen);
        setLanguage(chosen);
      },
      change: (part) => setLook((before) => ({ ...before, ...part })),
      say: (both, values) => fill(both[language], values),
    }),
    [language, look],
  );
  return <Chosen value={settings}>{children}</Chosen>;
}

export function useSettings(): Settings {
  const settings = useContext(Chosen);
  if (settings === null) throw new Error("no settings were made above");
  return settings;
}
