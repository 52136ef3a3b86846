import { expect, test } from "vitest";

import { type Entry, find } from "../src/search/index.ts";

function entry(change: Partial<Entry>): Entry {
  return { kind: "document", to: "/", title: "", of: "", text: "", language: "en", ...change };
}

const ENTRIES = [
  entry({ to: "/a", title: "Signing requests", text: "How merchants sign" }),
  entry({ to: "/b", title: "Statements", text: "Signed files, one a day" }),
  entry({ to: "/c", title: "请求签名", text: "五个部分，每个后面跟一个换行符", language: "zh" }),
  entry({ to: "/d", kind: "error", title: "signature_invalid", of: "签名错误 The signature does not fit", language: null }),
];

function check(query: string, language: "zh" | "en", ...to: string[]) {
  expect(find(ENTRIES, query, language).map(({ entry }) => entry.to)).toEqual(to);
}

test("a title goes before a text, and all words must occur", () => {
  check("sign", "en", "/d", "/a", "/b");
  check("signing requests", "en", "/a");
  check("signing nonsense", "en");
  check("  ", "en");
});

test("Chinese is found as it is written, the reader's language first", () => {
  check("签名", "zh", "/c", "/d");
  check("换行符", "en", "/c");
  check("SIGNATURE_INVALID", "zh", "/d");
});

test("an excerpt shows the text around the word", () => {
  const [found] = find([entry({ title: "x", text: `${"before ".repeat(20)}needle${" after".repeat(30)}` })], "needle", "en");
  expect(found?.excerpt).toMatch(/^….*needle.*…$/);
});
