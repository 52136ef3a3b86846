// The API reference: every operation has an address of its own.

import { useState } from "react";
import api from "virtual:api";

import type { Both } from "@shared/language.ts";

import { useLanguage, useTitle } from "../language.tsx";
import { Missing } from "../pages/missing.tsx";
import { Sidebar } from "../parts/sidebar.tsx";
import { Link } from "../router.tsx";
import { operations } from "./description.ts";
import { OperationPage } from "./operation.tsx";

const AUDIENCES: Readonly<Record<string, Both>> = {
  merchant: { zh: "商户与服务商", en: "Merchants and providers" },
  public: { zh: "公开", en: "Public" },
  wallet: { zh: "钱包", en: "Wallet" },
  bank: { zh: "银行", en: "Banks" },
  sandbox: { zh: "沙箱", en: "Sandbox" },
};

function audienceName(audience: string): Both {
  return AUDIENCES[audience] ?? { zh: audience, en: audience };
}

export default function Reference({ operation }: { operation: string }) {
  const found = operations(api).find(({ id }) => id === operation);
  if (operation !== "" && found === undefined) return <Missing />;
  return (
    <div className="with-sidebar">
      <Contents chosen={operation} />
      {found === undefined ? <Overview /> : <OperationPage key={found.id} api={api} operation={found} />}
    </div>
  );
}

function byAudience() {
  const all = operations(api);
  const known = Object.keys(AUDIENCES);
  const names = [...new Set([...known, ...all.map(({ audience }) => audience)])];
  return names.map((audience) => ({ audience, calls: all.filter((call) => call.audience === audience) })).filter(({ calls }) => calls.length > 0);
}

function Contents({ chosen }: { chosen: string }) {
  const { say } = useLanguage();
  const audience = operations(api).find(({ id }) => id === chosen)?.audience ?? "merchant";
  return (
    <Sidebar name={{ zh: "接口目录", en: "Operations" }}>
      {byAudience().map(({ audience: name, calls }) => (
        <details key={name} open={name === audience}>
          <summary>{say(audienceName(name))}</summary>
          <ul>
            {calls.map((call) => (
              <li key={call.id}>
                <Link to={`/api/${call.id}`} aria-current={call.id === chosen ? "page" : undefined}>
                  <span className="method small" data-method={call.method}>
                    {call.method.toUpperCase()}
                  </span>
                  <span>{say(call.summary)}</span>
                </Link>
              </li>
            ))}
          </ul>
        </details>
      ))}
    </Sidebar>
  );
}

function Overview() {
  const { say } = useLanguage();
  const [words, setWords] = useState("");
  useTitle("API");
  const wanted = words.trim().toLowerCase();
  return (
    <div className="page">
      <h1>{say({ zh: "API 参考", en: "API reference" })}</h1>
      <p className="lead">
        {say({
          zh: `版本 ${api.version},由代码生成，与正在运行的服务一致。每个接口都可以在沙箱里直接试用。`,
          en: `Version ${api.version}, generated from the code that runs. Every operation can be tried in a sandbox from its page.`,
        })}
      </p>
      <label className="field">
        <span>{say({ zh: "筛选", en: "Filter" })}</span>
        <input type="search" value={words} onChange={(event) => setWords(event.target.value)} placeholder="orders, POST, 退款…" />
      </label>
      {byAudience().map(({ audience, calls }) => {
        const shown = calls.filter(({ id, method, path, summary }) => `${id} ${method} ${path} ${summary.zh} ${summary.en}`.toLowerCase().includes(wanted));
        if (shown.length === 0) return null;
        return (
          <section key={audience}>
            <h2 id={audience}>{say(audienceName(audience))}</h2>
            <ul className="operations">
              {shown.map(({ id, method, path, summary }) => (
                <li key={id}>
                  <Link to={`/api/${id}`}>
                    <span className="method" data-method={method}>
                      {method.toUpperCase()}
                    </span>
                    <code>{path}</code>
                    <span className="summary">{say(summary)}</span>
                  </Link>
                </li>
              ))}
            </ul>
          </section>
        );
      })}
    </div>
  );
}
