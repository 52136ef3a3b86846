// The guide's code compiles against the client as it is built.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import ts from "typescript";

const GUIDE = new URL("../../../docs/guides/typescript-client.md", import.meta.url);
const FILE = fileURLToPath(new URL("guide.ts", import.meta.url));
/** What the guide takes from Node.js and does not explain. */
const AROUND = `declare const readFileSync: (path: string, encoding: string) => string;
declare const http: { createServer(handle: unknown): { listen(port: number): void } };
declare const ledger: string;
export {};
`;

/** The guide's blocks as one program: imports first, each block in its own scope that sees those before it. */
function program(markdown) {
  const blocks = [...markdown.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code);
  assert.ok(blocks.length >= 6);
  const lines = blocks.join("\n").split("\n");
  const imports = lines.filter((line) => line.startsWith("import ") && !line.includes('"node:'));
  const code = lines.filter((line) => !line.startsWith("import "));
  return AROUND + imports.join("\n") + "\n" + code.join("\n");
}

test("the guide's code is typed as the client is", async () => {
  const inline = "verifyReceipt(await shop.transactions.receipt(order.transaction_id), { ledger })";
  const markdown = await readFile(GUIDE, "utf8");
  assert.ok(markdown.includes(inline));
  const source = `${program(markdown)}\nimport { verifyReceipt } from "@jialing/sdk";\nawait ${inline.replace("order.transaction_id", 'order.transaction_id ?? ""')};\n`;
  const options = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ES2022, moduleResolution: ts.ModuleResolutionKind.Bundler, lib: ["lib.es2022.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts"], types: [], strict: true, skipLibCheck: true, noEmit: true };
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile: readText, getSourceFile } = host;
  host.fileExists = (name) => name === FILE || fileExists(name);
  host.readFile = (name) => (name === FILE ? source : readText(name));
  host.getSourceFile = (name, ...rest) => (name === FILE ? ts.createSourceFile(name, source, ...rest) : getSourceFile(name, ...rest));
  const found = ts.getPreEmitDiagnostics(ts.createProgram([FILE, fileURLToPath(new URL("../src/node-http.d.ts", import.meta.url))], options, host));
  const said = found.map(({ messageText, start = 0 }) => `${source.slice(start, start + 60)}: ${ts.flattenDiagnosticMessageText(messageText, " ")}`);
  assert.deepEqual(said, []);
});
