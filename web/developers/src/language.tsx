// The site's language, for every part that speaks.

import { type Both, firstLanguage, keepLanguage, type Language, tagOf } from "@shared/language.ts";
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from "react";

interface Speaking {
  language: Language;
  /** The text in the chosen language. */
  say: (both: Both) => string;
  change: () => void;
}

const Chosen = createContext<Speaking | null>(null);

export function Languages({ children }: { children: ReactNode }) {
  const [language, setLanguage] = useState<Language>(firstLanguage);
  useEffect(() => {
    document.documentElement.lang = tagOf(language);
  }, [language]);
  const speaking = useMemo(
    () => ({
      language,
      say: (both: Both) => both[language],
      change: () => {
        const other = language === "zh" ? "en" : "zh";
        keepLanguage(other);
        setLanguage(other);
      },
    }),
    [language],
  );
  return <Chosen value={speaking}>{children}</Chosen>;
}

export function useLanguage(): Speaking {
  const speaking = useContext(Chosen);
  if (speaking === null) throw new Error("no language was chosen above");
  return speaking;
}

/** Names the document after the page. */
export function useTitle(title: string | null): void {
  const { language } = useLanguage();
  useEffect(() => {
    const site = language === "zh" ? "嘉陵开放平台" : "Jialing for developers";
    document.title = title === null ? site : `${title} · ${site}`;
  }, [title, language]);
}
