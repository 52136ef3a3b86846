// The API's description, made convenient: operations in audiences, schemas resolved, examples drawn up.

import type { Both } from "@shared/language.ts";

import { SUMMARIES } from "./summaries.ts";

export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly enum?: readonly unknown[];
  readonly example?: unknown;
  readonly format?: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly additionalProperties?: boolean | Schema;
}

export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required?: boolean;
  readonly description?: string;
  readonly schema?: Schema;
}

interface Content {
  readonly content?: Readonly<Record<string, { readonly schema?: Schema; readonly example?: unknown }>>;
  readonly description?: string;
}

interface RawOperation {
  readonly tags?: readonly string[];
  readonly summary?: string;
  readonly description?: string;
  readonly operationId?: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: Content & { readonly required?: boolean };
  readonly responses: Readonly<Record<string, Content>>;
  readonly security?: readonly Readonly<Record<string, unknown>>[];
}

export interface Api {
  readonly version: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, RawOperation>>>>;
  readonly schemas: Readonly<Record<string, Schema>>;
}

/** How a caller proves who they are. */
export type Access = "none" | "signature" | "session";

export interface Operation {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly audience: string;
  readonly tag: string;
  readonly summary: Both;
  readonly description: string;
  readonly access: Access;
  readonly parameters: readonly Parameter[];
  readonly body: Schema | null;
  readonly answers: readonly { status: string; description: string; schema: Schema | null; media: string | null }[];
  readonly problems: readonly { status: string; code: string }[];
}

const METHODS = ["get", "post", "put", "patch", "delete"];

let kept: { api: Api; operations: readonly Operation[] } | null = null;

/** Every operation, in the document's order. */
export function operations(api: Api): readonly Operation[] {
  if (kept?.api !== api) {
    const made = Object.entries(api.paths).flatMap(([path, methods]) =>
      METHODS.flatMap((method) => {
        const raw = methods[method];
        return raw === undefined ? [] : [operation(method, path, raw)];
      }),
    );
    kept = { api, operations: made };
  }
  return kept.operations;
}

function operation(method: string, path: string, raw: RawOperation): Operation {
  const id = raw.operationId ?? `${method} ${path}`;
  const en = (raw.summary ?? id).replace(/\.$/, "");
  const answers = Object.entries(raw.responses).map(([status, { description = "", content }]) => {
    const [media, first] = Object.entries(content ?? {})[0] ?? [];
    return { status, description, schema: first?.schema ?? null, media: media ?? null };
  });
  const isProblem = ({ media }: { media: string | null }) => media === "application/problem+json";
  return {
    id,
    method,
    path,
    audience: path.split("/")[2] ?? "",
    tag: raw.tags?.[0] ?? "",
    summary: { zh: SUMMARIES[id] ?? en, en },
    description: raw.description ?? "",
    access: accessOf(raw),
    parameters: raw.parameters ?? [],
    body: Object.values(raw.requestBody?.content ?? {})[0]?.schema ?? null,
    answers: answers.filter((answer) => !isProblem(answer)),
    problems: answers.filter(isProblem).flatMap(({ status, description }) => [...description.matchAll(/`(\w+)`/g)].map(([, code]) => ({ status, code: code ?? "" }))),
  };
}

function accessOf({ security }: RawOperation): Access {
  const names = (security ?? []).flatMap((requirement) => Object.keys(requirement));
  if (names.includes("signature")) return "signature";
  return names.includes("session") ? "session" : "none";
}

/** The schema behind `$ref`s, with the description that stands nearest. */
export function resolved(api: Api, schema: Schema): Schema & { readonly name?: string } {
  const name = schema.$ref?.split("/").at(-1);
  const target = name === undefined ? undefined : api.schemas[name];
  if (name === undefined || target === undefined) return schema;
  const { $ref: _, ...own } = schema;
  return { ...resolved(api, target), ...own, name };
}

/** Without the `null` that an optional value may be; and whether it may. */
export function present(schema: Schema): { schema: Schema; nullable: boolean } {
  if (Array.isArray(schema.type) && schema.type.includes("null")) {
    const [type = "string"] = schema.type.filter((type) => type !== "null");
    return { schema: { ...schema, type }, nullable: true };
  }
  const others = schema.oneOf?.filter(({ type }) => type !== "null");
  const [other] = others ?? [];
  if (others?.length === 1 && other !== undefined && schema.oneOf?.length === 2) {
    return { schema: { ...other, description: schema.description ?? other.description ?? "" }, nullable: true };
  }
  return { schema, nullable: false };
}

const ID = /^\^(\w+)_/;
const DEEPEST = 6;

/** A value that fits `schema`; only required members with `lean`. */
export function exampleOf(api: Api, given: Schema, lean = false, depth = 0): unknown {
  const schema = resolved(api, present(resolved(api, given)).schema);
  if (schema.example !== undefined) return schema.example;
  if (schema.enum !== undefined) return schema.enum[0];
  if (schema.oneOf ?? schema.anyOf) return exampleOf(api, (schema.oneOf ?? schema.anyOf)?.[0] ?? {}, lean, depth + 1);
  if (schema.allOf) return Object.assign({}, ...schema.allOf.map((part) => exampleOf(api, part, lean, depth + 1)));
  if (schema.properties !== undefined || schema.type === "object") {
    if (depth > DEEPEST) return {};
    const named = Object.entries(schema.properties ?? {}).filter(([name]) => !lean || schema.required?.includes(name));
    return Object.fromEntries(named.map(([name, member]) => [name, exampleOf(api, member, lean, depth + 1)]));
  }
  if (schema.type === "array") return schema.items && depth <= DEEPEST ? [exampleOf(api, schema.items, lean, depth + 1)] : [];
  return plainExample(schema);
}

function plainExample(schema: Schema): unknown {
  const [, prefix] = ID.exec(schema.pattern ?? "") ?? [];
  if (prefix !== undefined) return `${prefix}_06f3k1v8q0m2r4t6w8y0a2c4e0`;
  switch (schema.type) {
    case "integer":
    case "number":
      return schema.minimum ?? 1;
    case "boolean":
      return false;
    default:
      return /RFC 3339/.test(schema.description ?? "") ? "2026-11-22T14:40:00.000+08:00" : "…";
  }
}
