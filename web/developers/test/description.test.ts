import { expect, test } from "vitest";

import api from "virtual:api";
import codes from "virtual:errors";

import { exampleOf, operations, present, resolved } from "../src/api/description.ts";

test("every operation has an id of its own, an audience and a summary", () => {
  const all = operations(api);
  expect(all.length).toBeGreaterThan(100);
  expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
  for (const { id, audience, summary } of all) {
    expect(audience, id).not.toBe("");
    expect(summary.en, id).not.toBe("");
  }
});

test("signed, signed-in and open operations are told apart", () => {
  const access = (id: string) => operations(api).find((call) => call.id === id)?.access;
  expect(access("create_order")).toBe("signature");
  expect(access("list_wallets")).toBe("session");
  expect(access("read_status")).toBe("none");
});

test("each problem that an operation names is in the registry", () => {
  const known = new Set(codes.map(({ code }) => code));
  const unknown = operations(api).flatMap(({ problems }) => problems.filter(({ code }) => !known.has(code)));
  expect(unknown).toEqual([]);
});

test("an example has all required members and none that is unknown", () => {
  for (const { id, body } of operations(api)) {
    if (body === null) continue;
    const schema = resolved(api, body);
    const made = exampleOf(api, body, true) as Record<string, unknown>;
    for (const name of schema.required ?? []) expect(made, id).toHaveProperty(name);
    if (schema.properties) for (const name of Object.keys(made)) expect(schema.properties, id).toHaveProperty(name);
  }
});

test("what may be null is shown as what it is else", () => {
  expect(present({ type: ["string", "null"] })).toEqual({ schema: { type: "string" }, nullable: true });
  expect(present({ oneOf: [{ $ref: "#/x" }, { type: "null" }], description: "d" })).toEqual({ schema: { $ref: "#/x", description: "d" }, nullable: true });
  expect(present({ type: "string" })).toEqual({ schema: { type: "string" }, nullable: false });
});
