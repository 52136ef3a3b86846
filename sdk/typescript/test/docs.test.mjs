// What the porting guide says of the platform is what the platform's own documents say.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

const read = (name) => readFile(new URL(`../../../docs/${name}`, import.meta.url), "utf8");
const guide = await read("guides/porting-from-wechat-pay.md");
const { paths, components } = JSON.parse(await read("openapi.json"));

/** Cells of the tables' second column, which speaks of this platform. */
const ours = guide.split("\n").filter((line) => line.startsWith("| ")).map((line) => line.split(" | ")[1] ?? "");
const words = (pattern) => [...new Set(ours.flatMap((cell) => [...cell.matchAll(pattern)].map(([, word]) => word)))];

test("every path of the porting guide is in the API", () => {
  const known = new Set(Object.entries(paths).flatMap(([path, item]) => Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`)));
  const named = words(/`((?:GET|POST) \/v1\/[^`]*)`/g);
  assert.ok(named.length >= 7, String(named));
  for (const one of named) assert.ok(known.has(one), one);
});

test("every code of the porting guide is one that the platform answers", async () => {
  const errors = await read("reference/errors.md");
  const section = guide.slice(guide.indexOf("## 错误"), guide.indexOf("## 步骤"));
  const cells = section.split("\n").filter((line) => line.startsWith("| `")).map((line) => line.split(" | ")[1]);
  const codes = cells.flatMap((cell) => [...cell.matchAll(/`([a-z]+_[a-z_]+)`/g)].map(([, code]) => code));
  assert.ok(codes.length >= 16, String(codes));
  for (const code of codes) assert.ok(errors.includes(`\n## ${code}\n`), code);
});

test("every field of an order and of a refund in the porting guide is one that it has", () => {
  const fields = new Set(["Order", "OrderAsk", "Refund", "RefundAsk", "Event", "Money"].flatMap((name) => Object.keys(components.schemas[name].properties)));
  const tables = guide.slice(guide.indexOf("## 下单"), guide.indexOf("## 通知"));
  const cells = tables.split("\n").filter((line) => line.startsWith("| ")).map((line) => line.split(" | ")[1] ?? "");
  const named = cells.flatMap((cell) => [...cell.matchAll(/`([a-z_]+)(?:\.[a-z]+)?`/g)].map(([, field]) => field));
  assert.ok(named.length >= 20, String(named));
  for (const field of named) assert.ok(fields.has(field), field);
});
