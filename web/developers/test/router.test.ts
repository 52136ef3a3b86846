import { expect, test } from "vitest";

import { prefixOf } from "../src/router.tsx";

test("a site that a sandbox serves stays below the sandbox's address", () => {
  expect(prefixOf("/developers")).toBe("");
  expect(prefixOf("/developers/api/create_order")).toBe("");
  expect(prefixOf("/s/sbx_1/developers")).toBe("/s/sbx_1");
  expect(prefixOf("/s/sbx_1/developers/docs/developers/")).toBe("/s/sbx_1");
  expect(prefixOf("/")).toBe("");
});
