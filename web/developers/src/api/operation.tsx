// One operation: what it takes, what it answers, which problems, and a place to try it.

import { useLanguage, useTitle } from "../language.tsx";
import { withCode } from "../parts/inline.tsx";
import { Link } from "../router.tsx";
import { type Api, exampleOf, type Operation } from "./description.ts";
import { Members } from "./members.tsx";
import { Try } from "./try.tsx";

const ACCESS = {
  none: { zh: "无需认证", en: "No authentication" },
  signature: { zh: "请求签名", en: "Signed request" },
  session: { zh: "会话令牌(Bearer)", en: "Session token (Bearer)" },
} as const;

export function OperationPage({ api, operation }: { api: Api; operation: Operation }) {
  const { say, language } = useLanguage();
  const { method, path, summary, description, access, parameters, body, answers, problems } = operation;
  useTitle(say(summary));
  return (
    <article className="page operation">
      <p className="crumbs">
        <Link to="/api">API</Link> · {operation.tag}
      </p>
      <h1>{say(summary)}</h1>
      <p className="endpoint">
        <span className="method" data-method={method}>
          {method.toUpperCase()}
        </span>
        <code>{path}</code>
      </p>
      <p className="facts">
        {access === "signature" ? <Link to="/docs/guides/signing-requests">{say(ACCESS[access])}</Link> : say(ACCESS[access])} · <code>{operation.id}</code>
      </p>
      <div lang={language === "zh" ? "en" : undefined}>
        {description
          .split(/\n\n+/)
          .filter(Boolean)
          .map((paragraph) => (
            <p key={paragraph}>{withCode(paragraph)}</p>
          ))}
      </div>
      {parameters.length > 0 && (
        <section>
          <h2>{say({ zh: "参数", en: "Parameters" })}</h2>
          <dl className="members">
            {parameters.map((parameter) => (
              <div key={`${parameter.in} ${parameter.name}`}>
                <dt>
                  <code>{parameter.name}</code> <small>{parameter.in}</small> {parameter.required && <Required />}
                </dt>
                <dd lang="en">{withCode(parameter.description ?? "")}</dd>
              </div>
            ))}
          </dl>
        </section>
      )}
      {body !== null && (
        <section>
          <h2>{say({ zh: "请求体", en: "Request body" })}</h2>
          <Members api={api} schema={body} />
        </section>
      )}
      <Try api={api} operation={operation} />
      <section>
        <h2>{say({ zh: "回答", en: "Answers" })}</h2>
        {answers.map(({ status, description, schema, media }) => (
          <details key={status} open={status === answers[0]?.status}>
            <summary>
              <span className="status-number" data-class={status[0]}>
                {status}
              </span>{" "}
              <span lang="en">{description}</span>
            </summary>
            {schema !== null && media?.includes("json") && (
              <>
                <Members api={api} schema={schema} />
                <div className="code">
                  <pre tabIndex={0}>
                    <code>{JSON.stringify(exampleOf(api, schema), null, 2)}</code>
                  </pre>
                </div>
              </>
            )}
          </details>
        ))}
      </section>
      <section>
        <h2>{say({ zh: "可能的错误", en: "Problems" })}</h2>
        <ul className="problems">
          {problems.map(({ status, code }) => (
            <li key={code}>
              <span className="status-number" data-class={status[0]}>
                {status}
              </span>{" "}
              <Link to={`/errors/${code}`}>
                <code>{code}</code>
              </Link>
            </li>
          ))}
        </ul>
      </section>
    </article>
  );
}

export function Required() {
  const { say } = useLanguage();
  return <em className="required">{say({ zh: "必填", en: "required" })}</em>;
}
