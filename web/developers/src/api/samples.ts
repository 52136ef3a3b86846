// The request as code: a command, and a call of the clients that have one for every operation.

import type { Operation } from "./description.ts";

export interface Asked {
  readonly origin: string;
  /** A sandbox's path, or nothing. */
  readonly base: string;
  /** Path and query as sent. */
  readonly target: string;
  /** Values of the parameters by name; what is missing is not asked. */
  readonly values: Readonly<Record<string, string>>;
  /** The body as sent; empty without one. */
  readonly body: string;
}

export interface Sample {
  readonly name: string;
  readonly text: string;
}

/** Merchants' clients call every signed operation; all others are shown as a command. */
export function samplesOf(operation: Operation, asked: Asked): Sample[] {
  const command = { name: "curl", text: curl(operation, asked) };
  if (operation.audience !== "merchant") return [command];
  return [command, { name: "TypeScript", text: typescript(operation, asked) }, { name: "Python", text: python(operation, asked) }];
}

function curl({ method, access, body }: Operation, asked: Asked): string {
  const verb = method.toUpperCase();
  const words = [`curl -s ${method === "get" ? "" : `-X ${verb} `}'${asked.origin}${asked.base}${asked.target}'`];
  const quoted = `'${asked.body.replaceAll("'", "'\\''")}'`;
  if (access === "session") words.push('-H "Authorization: Bearer $TOKEN"');
  if (access === "signature") words.push('-H "Authorization: $signed"');
  if (body !== null) words.push("-H 'Content-Type: application/json'", `-d ${quoted}`);
  const call = words.join(" \\\n  ");
  if (access !== "signature") return call;
  const sign = `jialing keys sign --key shop.pem --mchid "$mchid" ${verb} '${asked.target}'`;
  return `signed=$(${body === null ? `${sign} </dev/null` : `printf %s ${quoted} | ${sign}`})\n${call}`;
}

/** Parameters of one place that were given, by name. */
function given({ parameters }: Operation, place: "path" | "query", { values }: Asked): Record<string, string> {
  const named = parameters.filter((parameter) => parameter.in === place).map(({ name }) => [name, values[name] ?? (place === "path" ? "…" : "")]);
  return Object.fromEntries(named.filter(([, value]) => value !== "")) as Record<string, string>;
}

function typescript(operation: Operation, asked: Asked): string {
  const parts = [
    ["path", given(operation, "path", asked)],
    ["query", given(operation, "query", asked)],
    ["body", operation.body === null ? {} : read(asked.body)],
  ] as const;
  const shown = parts.filter(([, value]) => typeof value !== "object" || value === null || Object.keys(value).length > 0);
  const ask = shown.map(([name, value]) => `  ${name}: ${indented(script(value))},`).join("\n");
  return `const answer = await shop.call("${operation.id}", ${ask === "" ? "{}" : `{\n${ask}\n}`});`;
}

function python(operation: Operation, asked: Asked): string {
  const [path = ""] = asked.target.split("?");
  const more = [];
  const query = given(operation, "query", asked);
  if (Object.keys(query).length > 0) more.push(`query=${literal(query)}`);
  if (operation.body !== null) more.push(`body=${indented(literal(read(asked.body)))}`);
  if (operation.parameters.some(({ name }) => name === "Idempotency-Key")) more.push("idempotency_key=idempotency_key()");
  return `answer = shop.call("${operation.method.toUpperCase()}", "${path}"${more.map((part) => `, ${part}`).join("")})`;
}

function read(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}

function indented(text: string): string {
  return text.replaceAll("\n", "\n  ");
}

/** JSON with names that need no quotes bare. */
function script(value: unknown): string {
  return JSON.stringify(value, null, 2).replace(/^(\s*)"([A-Za-z_]\w*)":/gm, "$1$2:");
}

/** A Python literal. */
function literal(value: unknown, margin = ""): string {
  if (value === null) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  const inner = `${margin}  `;
  if (Array.isArray(value)) return value.length === 0 ? "[]" : `[\n${value.map((item) => `${inner}${literal(item, inner)},\n`).join("")}${margin}]`;
  if (typeof value === "object") {
    const members = Object.entries(value).map(([name, member]) => `${inner}${JSON.stringify(name)}: ${literal(member, inner)},\n`);
    return members.length === 0 ? "{}" : `{\n${members.join("")}${margin}}`;
  }
  return JSON.stringify(value);
}
