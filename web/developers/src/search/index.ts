// Search over every section of the documents, every operation and every error code.
//
// The words of the query must all occur; where they stand decides the order. Chinese is searched as
// it is written, so no dictionary is needed. A few thousand entries take a few milliseconds.

import type { Language } from "@shared/language.ts";

export type EntryKind = "document" | "operation" | "error";

export interface Entry {
  readonly kind: EntryKind;
  /** Where it leads, with the base. */
  readonly to: string;
  readonly title: string;
  /** What it belongs to. */
  readonly of: string;
  readonly text: string;
  readonly language: Language | null;
}

export interface Found {
  readonly entry: Entry;
  /** The text around the first word. */
  readonly excerpt: string;
}

const MOST = 24;
const EXCERPT = 110;

export function find(entries: readonly Entry[], query: string, language: Language): Found[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [];
  const scored: { score: number; found: Found }[] = [];
  for (const entry of entries) {
    const score = scoreOf(entry, words, language);
    if (score > 0) scored.push({ score, found: { entry, excerpt: excerptOf(entry.text, words) } });
  }
  scored.sort((a, b) => b.score - a.score);
  return scored.slice(0, MOST).map(({ found }) => found);
}

function scoreOf(entry: Entry, words: readonly string[], language: Language): number {
  const [title, of, text] = [entry.title.toLowerCase(), entry.of.toLowerCase(), entry.text.toLowerCase()];
  let score = 0;
  for (const word of words) {
    const at = title === word ? 40 : title.startsWith(word) ? 24 : title.includes(word) ? 16 : of.includes(word) ? 6 : text.includes(word) ? 3 : 0;
    if (at === 0) return 0;
    score += at;
  }
  if (entry.language === null || entry.language === language) score += 4;
  return entry.kind === "document" ? score : score + 1;
}

function excerptOf(text: string, words: readonly string[]): string {
  const at = Math.max(0, text.toLowerCase().indexOf(words[0] ?? "") - 30);
  return `${at > 0 ? "…" : ""}${text.slice(at, at + EXCERPT)}${at + EXCERPT < text.length ? "…" : ""}`;
}
