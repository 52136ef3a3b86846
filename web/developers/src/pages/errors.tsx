// The registry of error codes: a list to search in, and a page for each code.

import { useState } from "react";

import { withCode } from "../parts/inline.tsx";
import { type ErrorCode, ERRORS } from "../errors/registry.ts";
import { operations } from "../api/description.ts";
import { useLanguage, useTitle } from "../language.tsx";
import { Link } from "../router.tsx";
import { Missing } from "./missing.tsx";
import api from "virtual:api";

export default function Errors({ code }: { code: string }) {
  if (code === "") return <List />;
  const found = ERRORS.find((error) => error.code === code);
  return found === undefined ? <Missing /> : <One error={found} />;
}

function List() {
  const { say } = useLanguage();
  const [words, setWords] = useState("");
  useTitle(say({ zh: "错误码", en: "Error codes" }));
  const wanted = words.trim().toLowerCase();
  const shown = ERRORS.filter(({ code, status, title }) => `${code} ${status} ${title.zh} ${title.en}`.toLowerCase().includes(wanted));
  return (
    <div className="page">
      <h1>{say({ zh: "错误码", en: "Error codes" })}</h1>
      <p className="lead">
        {say({
          zh: "错误以 application/problem+json(RFC 9457)回答。请按 code 判断：它的文本永不改变。",
          en: "Errors are answered as application/problem+json (RFC 9457). Decide by the code: its text never changes.",
        })}
      </p>
      <label className="field">
        <span>{say({ zh: "筛选", en: "Filter" })}</span>
        <input type="search" value={words} onChange={(event) => setWords(event.target.value)} placeholder="signature_invalid, 409, 余额…" />
      </label>
      <ul className="codes">
        {shown.map((error) => (
          <li key={error.code}>
            <Link to={`/errors/${error.code}`}>
              <code>{error.code}</code>
              <span className="status-number" data-class={String(error.status)[0]}>
                {error.status}
              </span>
              <span>{say(error.title)}</span>
            </Link>
          </li>
        ))}
      </ul>
      <p role="status">{shown.length === 0 ? say({ zh: "没有这样的错误码", en: "There is no such code" }) : ""}</p>
    </div>
  );
}

function One({ error }: { error: ErrorCode }) {
  const { say, language } = useLanguage();
  useTitle(error.code);
  const from = operations(api).filter(({ problems }) => problems.some(({ code }) => code === error.code));
  const foreign = language === "zh" && !error.translated;
  return (
    <article className="page prose">
      <p className="crumbs">
        <Link to="/errors">{say({ zh: "错误码", en: "Error codes" })}</Link>
      </p>
      <h1>
        <code>{error.code}</code>
      </h1>
      <p className="lead">
        {say(error.title)} · HTTP {error.status}
      </p>
      {foreign && <p className="notice">{say({ zh: "这个错误码的原因与处理目前只有英文。", en: "" })}</p>}
      <h2>{say({ zh: "原因", en: "Cause" })}</h2>
      <p lang={foreign ? "en" : undefined}>{withCode(say(error.cause))}</p>
      <h2>{say({ zh: "处理", en: "Fix" })}</h2>
      <p lang={foreign ? "en" : undefined}>{withCode(say(error.fix))}</p>
      <p>
        {error.retryable
          ? say({ zh: "同一请求稍后可能成功(retryable)。", en: "The same request may succeed later (retryable)." })
          : say({ zh: "原样重发不会成功。", en: "The same request will not succeed." })}
      </p>
      <h2>{say({ zh: "回答的样子", en: "What the answer looks like" })}</h2>
      <div className="code">
        <pre tabIndex={0}>
          <code>{example(error)}</code>
        </pre>
      </div>
      {from.length > 0 && (
        <>
          <h2>{say({ zh: "哪些接口会给出", en: "Operations that may answer it" })}</h2>
          <ul className="operations">
            {from.map(({ id, method, path }) => (
              <li key={id}>
                <Link to={`/api/${id}`}>
                  <span className="method" data-method={method}>
                    {method.toUpperCase()}
                  </span>{" "}
                  <code>{path}</code>
                </Link>
              </li>
            ))}
          </ul>
        </>
      )}
    </article>
  );
}

function example({ code, status, title, cause, retryable }: ErrorCode): string {
  const body = {
    type: `${location.origin}/docs/errors#${code}`,
    title: title.en,
    status,
    code,
    detail: cause.en,
    request_id: "req_06f3k1v8q0m2r4t6w8y0a2c4e6",
    retryable,
  };
  return `HTTP/1.1 ${status}\nContent-Type: application/problem+json\n\n${JSON.stringify(body, null, 2)}`;
}
