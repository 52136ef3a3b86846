// Makes src/generated/api.ts from docs/openapi.json: the types of every operation that a merchant's server
// may call, and a table of where they are. Run by `npm run build`; nothing of it is committed.

import { mkdir, readFile, writeFile } from "node:fs/promises";

const DOCUMENT = new URL("../../../docs/openapi.json", import.meta.url);
const FOLDER = new URL("../src/generated/", import.meta.url);
/** The operations that belong to this client. */
const PREFIXES = ["/v1/merchant/"];
const METHODS = ["get", "post", "put", "patch", "delete"];

const { paths, components } = JSON.parse(await readFile(DOCUMENT, "utf8"));
const needed = new Set();
const waiting = [];

/** What makes a schema the same as another: all but the words about it. */
const shape = ({ description, ...rest }) => JSON.stringify(rest);
/** Objects that stand in the document a second time, inside a page: known again by their shape. */
const named = new Map(Object.entries(components.schemas).filter(([, one]) => one.properties).map(([name, one]) => [shape(one), name]));

function nameOf(reference) {
  const name = reference.replace("#/components/schemas/", "");
  if (!(name in components.schemas)) throw new Error(`the document has no schema ${reference}`);
  if (!needed.has(name)) {
    needed.add(name);
    waiting.push(name);
  }
  return name.replace(/^[a-z]/, (letter) => letter.toUpperCase());
}

function comment(text, indent = "") {
  return text ? `${indent}/** ${text.replaceAll("*/", "*\u200b/").replaceAll("\n", " ")} */\n` : "";
}

function object({ properties = {}, required = [], additionalProperties }, indent) {
  const inner = `${indent}  `;
  const members = Object.entries(properties).map(([name, schema]) => {
    const optional = required.includes(name) ? "" : "?";
    return `${comment(schema.description, inner)}${inner}readonly ${JSON.stringify(name)}${optional}: ${type(schema, inner)};\n`;
  });
  if (members.length === 0 && typeof additionalProperties === "object") return `Readonly<Record<string, ${type(additionalProperties, indent)}>>`;
  return members.length === 0 ? "Readonly<Record<string, unknown>>" : `{\n${members.join("")}${indent}}`;
}

function type(schema, indent = "", top = false) {
  if (schema.$ref) return nameOf(schema.$ref);
  if (!top && named.has(shape(schema))) return nameOf(`#/components/schemas/${named.get(shape(schema))}`);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  const choice = schema.oneOf ?? schema.anyOf;
  if (choice) return choice.map((one) => type(one, indent)).join(" | ");
  if (schema.allOf) return schema.allOf.map((one) => `(${type(one, indent)})`).join(" & ");
  if (Array.isArray(schema.type)) return schema.type.map((one) => type({ ...schema, type: one }, indent)).join(" | ");
  switch (schema.type) {
    case "string":
      return "string";
    case "integer":
    case "number":
      return "number";
    case "boolean":
      return "boolean";
    case "null":
      return "null";
    case "array":
      return `readonly (${type(schema.items ?? {}, indent)})[]`;
    case "object":
      return object(schema, indent);
    default:
      return "unknown";
  }
}

function parameters(list, where) {
  const found = list.filter((one) => one.in === where);
  if (found.length === 0) return "Readonly<Record<string, never>>";
  const members = found.map((one) => `${comment(one.description, "    ")}    readonly ${JSON.stringify(one.name)}${one.required ? "" : "?"}: ${type(one.schema, "    ")};\n`);
  return `{\n${members.join("")}  }`;
}

/** The content types of a body, and its type here: JSON by its schema, anything else as text or bytes. */
function body(operation) {
  const content = operation.requestBody?.content ?? {};
  const kinds = Object.keys(content);
  const texts = kinds.map((kind) => (kind === "application/json" ? type(content[kind].schema, "  ") : "Uint8Array | string"));
  return { kinds, text: [...new Set(texts)].join(" | ") || "undefined" };
}

function answer(operation) {
  const successes = Object.entries(operation.responses).filter(([status]) => status.startsWith("2"));
  const kinds = new Set();
  for (const [, { content }] of successes) {
    if (!content) kinds.add("undefined");
    else if (content["application/json"]) kinds.add(type(content["application/json"].schema, "  "));
    else kinds.add(Object.keys(content)[0].startsWith("text/") ? "string" : "Uint8Array");
  }
  return [...kinds].join(" | ") || "undefined";
}

const types = [];
const table = [];
const codes = new Set();
for (const [path, item] of Object.entries(paths)) {
  if (!PREFIXES.some((prefix) => path.startsWith(prefix))) continue;
  for (const method of METHODS.filter((one) => item[one])) {
    const operation = item[method];
    const all = [...(item.parameters ?? []), ...(operation.parameters ?? [])];
    const { kinds, text } = body(operation);
    const once = all.some((one) => one.in === "header" && one.name.toLowerCase() === "idempotency-key");
    for (const [status, { description = "" }] of Object.entries(operation.responses)) {
      if (!status.startsWith("2")) for (const [, code] of description.matchAll(/`([a-z_]+)`/g)) codes.add(code);
    }
    const gives = answer(operation);
    const reads = gives.includes("Uint8Array") ? "bytes" : gives === "string" ? "text" : "json";
    types.push(
      `${comment(operation.summary, "  ")}  ${operation.operationId}: {\n  path: ${parameters(all, "path")};\n  query: ${parameters(all, "query")};\n  body: ${text};\n  answer: ${gives};\n  };\n`,
    );
    table.push(`  ${operation.operationId}: { method: ${JSON.stringify(method.toUpperCase())}, path: ${JSON.stringify(path)}, body: ${JSON.stringify(kinds)}, answer: "${reads}", once: ${once} },\n`);
  }
}
const schemas = [];
while (waiting.length > 0) {
  const name = waiting.shift();
  const schema = components.schemas[name];
  schemas.push(`${comment(schema.description)}export type ${nameOf(`#/components/schemas/${name}`)} = ${type(schema, "", true)};\n`);
}
const made = [
  "// Made from docs/openapi.json by scripts/types.mjs; do not edit.\n",
  `/** The codes that a problem may carry. */\nexport type Code =\n${[...codes].sort().map((code) => `  | "${code}"\n`).join("").trimEnd()};\n`,
  ...schemas.sort(),
  `/** What each operation takes and gives. */\nexport interface Operations {\n${types.join("")}}\n`,
  "/** Where an operation is. */\nexport interface Route {\n  readonly method: string;\n  readonly path: string;\n  /** The content types it takes; none without a body. */\n  readonly body: readonly string[];\n  readonly answer: \"json\" | \"text\" | \"bytes\";\n  /** Whether it takes an `Idempotency-Key`. */\n  readonly once: boolean;\n}\n",
  `export const ROUTES: Readonly<Record<keyof Operations, Route>> = {\n${table.join("")}};\n`,
];
await mkdir(FOLDER, { recursive: true });
await writeFile(new URL("api.ts", FOLDER), made.join("\n"));
