import { readdirSync, readFileSync } from "node:fs";

import { expect, test } from "vitest";

import { chapters } from "../src/texts/learn.ts";
import { events, notices } from "../src/texts/notices.ts";
import { problems } from "../src/texts/problems.ts";

interface Both {
  zh: string;
  en: string;
}

function isBoth(value: unknown): value is Both {
  return typeof value === "object" && value !== null && "zh" in value && "en" in value && Object.keys(value).length === 2;
}

/** Every text below `value`, with where it stands. */
function textsIn(value: unknown, at: string): [string, Both][] {
  if (isBoth(value)) return [[at, value]];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, below]) => textsIn(below, `${at}.${name}`));
}

const catalogues = import.meta.glob<Record<string, unknown>>("../src/texts/*.ts", { eager: true });
const all = Object.entries(catalogues).flatMap(([file, exported]) => textsIn(exported, file));

test("every text is there in both languages, and in each in its own writing", () => {
  expect(all.length).toBeGreaterThan(400);
  for (const [at, { zh, en }] of all) {
    expect(en.trim() + zh.trim() === "", at).toBe(en.trim() === "" || zh.trim() === "");
    // Names of languages are written in their own.
    if (!at.endsWith(".otherLanguage")) expect(/\p{Script=Han}/u.test(en), at).toBe(false);
  }
});

test("a text is filled in with the same values in both languages", () => {
  const names = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();
  for (const [at, { zh, en }] of all) expect(names(en), at).toEqual(names(zh));
});

test("problems are those of the platform's registry", () => {
  const registry = readFileSync(new URL("../../../crates/platform/src/problem.rs", import.meta.url), "utf8");
  const known = new Set([...registry.matchAll(/^ {4}\w+ "(\w+)" \d{3} /gm)].map(([, code]) => code));
  expect(known.size).toBeGreaterThan(60);
  // Made by banks and top-ups, or by the routes of factors and passkeys where a platform has them.
  const others = ["INSUFFICIENT_FUNDS", "not_received", "expired", "late_success", "factor_invalid", "passkey_invalid"];
  for (const code of Object.keys(problems)) expect(known.has(code) || others.includes(code), code).toBe(true);
  for (const code of ["balance_too_low", "pin_invalid", "over_day_limit", "outcome_unknown"]) expect(problems[code]).toBeDefined();
});

test("every notice of the platform has words", () => {
  const document = JSON.parse(readFileSync(new URL("../../../docs/openapi.json", import.meta.url), "utf8")) as { components: { schemas: { NoticeCode: { enum: string[] } } } };
  for (const code of document.components.schemas.NoticeCode.enum) expect(notices[code], code).toBeDefined();
  expect(chapters.every(({ words }) => words.length > 0)).toBe(true);
});

test("every event of the security log has words", () => {
  const platform = new URL("../../../crates/platform/src/", import.meta.url);
  const sources = readdirSync(platform, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".rs"));
  const told = /"((?:session|device|pin|passkey|authenticator|recovery_codes?|person|alias|consent)\.\w+|wallet\.(?:freeze|lift|limit|close))"/g;
  const found = new Set(sources.flatMap((name) => [...readFileSync(new URL(name, platform), "utf8").matchAll(told)].map(([, event]) => event as string)));
  // What seals recovery codes is named so too.
  found.delete("recovery_codes.hash");
  expect(found.size).toBeGreaterThan(20);
  for (const event of found) expect(events[event], event).toBeDefined();
});
