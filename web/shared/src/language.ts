// The language of a page: Chinese unless the reader asked for English, or their browser did.

export type Language = "zh" | "en";

/** A text in both languages: a missing one is a type error, so neither can fall behind. */
export interface Both {
  readonly zh: string;
  readonly en: string;
}

const KEPT = "language";

/** What `?lang=` asks for, else what was chosen before, else the first of the browser's that we speak. */
export function preferredLanguage(search: string, kept: string | null, browser: readonly string[]): Language {
  const asked = new URLSearchParams(search).get("lang") ?? kept;
  if (asked === "zh" || asked === "en") return asked;
  for (const tag of browser) {
    if (/^zh\b/i.test(tag)) return "zh";
    if (/^en\b/i.test(tag)) return "en";
  }
  return "zh";
}

/** The language that this page begins in. */
export function firstLanguage(): Language {
  return preferredLanguage(location.search, kept(), navigator.languages);
}

/** Keeps the choice for the next page. A browser that keeps nothing for us forgets it, no more. */
export function keepLanguage(language: Language): void {
  try {
    localStorage.setItem(KEPT, language);
  } catch {
    // Storage is switched off.
  }
}

function kept(): string | null {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

/** The value of `lang` for `language`. */
export function tagOf(language: Language): string {
  return language === "zh" ? "zh-CN" : "en";
}
