import { expect, test } from "vitest";

import { digestOf, errorCodes, readDocuments, searchIndex } from "../../build/documents.mjs";
import { anchorOf, render, siteLink } from "../../build/markdown.mjs";

const PAGES = new Set(["guides/cashier", "guides/signing-requests", "start/tour"]);

test("links of the documents lead to pages of the site, or nowhere", () => {
  const check = (href: string, from: string, to: string | null) => expect(siteLink(href, from, PAGES)).toBe(to);
  check("signing-requests.md#the-text", "guides/cashier.md", "/developers/docs/guides/signing-requests#the-text");
  check("../start/tour.md", "guides/cashier.md", "/developers/docs/start/tour");
  check("../openapi.json", "reference/api.md", "/developers/api");
  check("errors.md#conflict", "reference/api.md", "/developers/errors/conflict");
  check("../changelog.md", "guides/cashier.md", "/developers/changelog");
  check("../../crates/sdk/src/lib.rs", "guides/cashier.md", null);
  check("#here", "guides/cashier.md", "#here");
  check("https://example.com/x", "guides/cashier.md", "https://example.com/x");
  check("cashier.md", "zh/guides/signing-requests.md", "/developers/docs/guides/cashier");
  check("../guides/cashier.md", "zh/start/quickstart.md", "/developers/docs/guides/cashier");
  check("../../reference/errors.md", "zh/start/quickstart.md", "/developers/errors");
});

test("headings get the anchors that hosts of Markdown give them", () => {
  expect(anchorOf("2. Create an order")).toBe("2-create-an-order");
  expect(anchorOf("Exports · 导出")).toBe("exports--导出");
});

test("neighbouring blocks with names become one block with tabs; others stay apart", () => {
  const { html } = render("# T\n\n```ts tab=TypeScript\na\n```\n\n```py tab=Python\nb\n```\n\n```sh\nc\n```\n", "x.md", PAGES);
  expect(html.match(/class="tabs"/g)).toHaveLength(1);
  expect(html.match(/role="tab"/g)).toHaveLength(2);
  expect(html.match(/role="tabpanel"/g)).toHaveLength(2);
  expect(html.indexOf("Python")).toBeLessThan(html.indexOf("</div></div></div><div class=\"code\">"));
});

test("HTML in a document is shown as text, and remarks are left out", () => {
  const { html } = render("# T\n\n<!-- body: POST -->\n\n<script>alert(1)</script>\n\nx <b>y</b>\n", "x.md", PAGES);
  expect(html).not.toContain("<script");
  expect(html).not.toContain("body: POST");
});

test("every page is rendered with a title, can be searched, and links to headings that are there", () => {
  const pages = readDocuments();
  const known = new Set(pages.map(({ path }) => path));
  expect(known.has("guides/cashier")).toBe(true);
  expect([...known].filter((path) => path.startsWith("zh/"))).toEqual([]);
  expect(pages.filter(({ zh }) => zh !== null).length).toBeGreaterThan(3);
  const rendered = new Map(pages.map((page) => [page.path, render(page.en, `${page.path}.md`, known).html]));
  const lost: string[] = [];
  for (const [from, html] of rendered) {
    for (const [, path = "", fragment] of html.matchAll(/href="\/developers\/docs\/([^"#]+)#([^"]+)"/g)) {
      if (!rendered.get(path)?.includes(`id="${fragment}"`)) lost.push(`${from}: ${path}#${fragment}`);
    }
  }
  expect(lost).toEqual([]);
  const index = searchIndex(pages, known);
  for (const path of known) expect(index.filter(({ to }) => to.startsWith(`/developers/docs/${path}`)).length, path).toBeGreaterThan(0);
  for (const { title, page } of index) expect(title && page).toBeTruthy();
});

test("the registry of problem codes is read whole from where the platform has it", () => {
  const [first] = errorCodes('    A "a_b" 400 false "T" "题": "Cause." => "Fix.";\n');
  expect(first).toEqual({ code: "a_b", status: 400, retryable: false, title: { zh: "题", en: "T" }, cause: "Cause.", fix: "Fix." });
  expect(() => errorCodes("nothing")).toThrow("no problem code");
  expect(digestOf("x")).toMatch(/^[0-9a-f]{16}$/);
});
