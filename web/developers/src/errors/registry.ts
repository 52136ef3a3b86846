// Every problem code with its cause and its fix in both languages.

import codes from "virtual:errors";

import type { Both } from "@shared/language.ts";

import { CHINESE } from "./chinese.ts";

export interface ErrorCode {
  readonly code: string;
  readonly status: number;
  readonly retryable: boolean;
  readonly title: Both;
  readonly cause: Both;
  readonly fix: Both;
  /** Cause and fix are there in Chinese too. */
  readonly translated: boolean;
}

export const ERRORS: readonly ErrorCode[] = codes.map(({ cause, fix, ...code }) => {
  const [causeZh, fixZh] = CHINESE[code.code] ?? [cause, fix];
  return { ...code, cause: { zh: causeZh, en: cause }, fix: { zh: fixZh, en: fix }, translated: code.code in CHINESE };
});
