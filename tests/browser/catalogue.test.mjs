// Chinese and English say the same things.

import assert from "node:assert/strict";
import { test } from "node:test";

import { texts } from "../../crates/gateway/assets/city/texts.js";

test("both catalogues have the same keys and no empty text", () => {
  assert.deepEqual(Object.keys(texts.zh).sort(), Object.keys(texts.en).sort());
  for (const [language, catalogue] of Object.entries(texts)) {
    for (const [key, text] of Object.entries(catalogue)) assert.ok(text.trim(), `${language}.${key} is empty`);
  }
});
