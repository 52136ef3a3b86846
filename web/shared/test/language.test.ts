import { expect, test } from "vitest";

import { preferredLanguage } from "../src/language.ts";

function check(search: string, kept: string | null, browser: string[], language: string) {
  expect(preferredLanguage(search, kept, browser)).toBe(language);
}

test("the language is what the address asks for, then what was chosen, then the browser's, and Chinese else", () => {
  check("?lang=en", "zh", ["zh-CN"], "en");
  check("?lang=fr", null, ["en-GB"], "en");
  check("", "zh", ["en-US"], "zh");
  check("", "fr", ["en-US", "zh-CN"], "en");
  check("", null, ["fr-FR", "zh-TW", "en"], "zh");
  check("", null, ["fr-FR"], "zh");
  check("", null, [], "zh");
});
