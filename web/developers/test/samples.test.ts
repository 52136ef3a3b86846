import { expect, test } from "vitest";

import api from "virtual:api";

import { operations } from "../src/api/description.ts";
import { type Asked, samplesOf } from "../src/api/samples.ts";

function sample(id: string, name: string, change: Partial<Asked> = {}): string | undefined {
  const operation = operations(api).find((call) => call.id === id);
  if (operation === undefined) throw new Error(`no operation ${id}`);
  const asked = { origin: "http://127.0.0.1:8900", base: "/s/sbx_1", target: operation.path, values: {}, body: "", ...change };
  return samplesOf(operation, asked).find((made) => made.name === name)?.text;
}

test("a command signs the path without the sandbox's, and survives quotes in the body", () => {
  expect(sample("create_order", "curl", { body: '{"description":"it\'s"}' })).toBe(
    [
      `signed=$(printf %s '{"description":"it'\\''s"}' | jialing keys sign --key shop.pem --mchid "$mchid" POST '/v1/merchant/orders')`,
      "curl -s -X POST 'http://127.0.0.1:8900/s/sbx_1/v1/merchant/orders' \\",
      '  -H "Authorization: $signed" \\',
      "  -H 'Content-Type: application/json' \\",
      `  -d '{"description":"it'\\''s"}'`,
    ].join("\n"),
  );
  expect(sample("read_status", "curl")).toBe("curl -s 'http://127.0.0.1:8900/s/sbx_1/v1/public/status'");
  expect(sample("list_wallets", "curl")).toContain("Bearer $TOKEN");
});

test("the clients call an operation by its name or its path", () => {
  const body = '{"out_trade_no":"T-1","amount":{"amount":1250,"currency":"CNY"},"attach":null}';
  expect(sample("create_order", "TypeScript", { body })).toBe(
    'const answer = await shop.call("create_order", {\n  body: {\n    out_trade_no: "T-1",\n    amount: {\n      amount: 1250,\n      currency: "CNY"\n    },\n    attach: null\n  },\n});',
  );
  expect(sample("create_order", "Python", { body })).toContain('shop.call("POST", "/v1/merchant/orders", body={\n');
  expect(sample("create_order", "Python", { body })).toContain('"attach": None');
  expect(sample("read_order", "TypeScript", { values: { order_id: "ord_1" } })).toBe('const answer = await shop.call("read_order", {\n  path: {\n    order_id: "ord_1"\n  },\n});');
  expect(sample("list_orders", "Python", { values: { limit: "5" }, target: "/v1/merchant/orders?limit=5" })).toContain('query={\n  "limit": "5",\n}');
  expect(sample("read_status", "Python")).toBeUndefined();
});
