// A schema as a list of its members; what lies deeper unfolds.

import { useLanguage } from "../language.tsx";
import { withCode } from "../parts/inline.tsx";
import { type Api, present, resolved, type Schema } from "./description.ts";

const DEEPEST = 4;

export function Members({ api, schema, depth = 0 }: { api: Api; schema: Schema; depth?: number }) {
  const { say } = useLanguage();
  const whole = resolved(api, present(resolved(api, schema)).schema);
  const inner = whole.type === "array" && whole.items !== undefined ? resolved(api, whole.items) : whole;
  if (inner.properties === undefined) return depth === 0 ? <p lang="en">{withCode(inner.description ?? "")}</p> : null;
  return (
    <dl className="members">
      {Object.entries(inner.properties).map(([name, given]) => {
        const { schema: member, nullable } = present(resolved(api, given));
        const shown = resolved(api, member);
        const nested = shown.properties ?? (shown.type === "array" && shown.items ? resolved(api, shown.items).properties : undefined);
        return (
          <div key={name}>
            <dt>
              <code>{name}</code> <small>{kindOf(api, shown)}</small>{" "}
              {inner.required?.includes(name) && !nullable && <em className="required">{say({ zh: "必填", en: "required" })}</em>}
            </dt>
            <dd lang="en">
              {withCode(given.description ?? shown.description ?? "")}
              {shown.enum !== undefined && (
                <span className="enum">
                  {shown.enum.map((value) => (
                    <code key={String(value)}>{String(value)}</code>
                  ))}
                </span>
              )}
              {nested !== undefined && depth < DEEPEST && (
                <details>
                  <summary>{say({ zh: "成员", en: "Members" })}</summary>
                  <Members api={api} schema={shown} depth={depth + 1} />
                </details>
              )}
            </dd>
          </div>
        );
      })}
    </dl>
  );
}

function kindOf(api: Api, schema: Schema): string {
  if (schema.type === "array") return `${schema.items ? kindOf(api, resolved(api, schema.items)) : ""}[]`;
  if (schema.pattern !== undefined && schema.type === "string") return schema.pattern.replace(/^\^(\w+_).*$/, "$1…");
  const format = schema.format === undefined ? "" : ` ${schema.format}`;
  return `${typeof schema.type === "string" ? schema.type : schema.properties ? "object" : ""}${format}`;
}
