// A place to send the request: to this server, or to an isolated sandbox below its own path.
//
// Keys and tokens stay in this page's memory: they are neither kept nor sent anywhere but as the
// signature or the header that the request needs. Where real money moves only public reads are sent.

import { useEffect, useState, useSyncExternalStore } from "react";

import { ask } from "@shared/api.ts";
import { authorization, fromPem } from "@shared/signing.ts";

import { useLanguage } from "../language.tsx";
import { Code } from "../parts/code.tsx";
import { Link, PREFIX } from "../router.tsx";
import { type Api, exampleOf, type Operation } from "./description.ts";
import { type Sample, samplesOf } from "./samples.ts";

interface Caller {
  /** A sandbox's path such as `/s/sbx_…`; empty for the server itself. */
  base: string;
  mchid: string;
  privateKey: string;
  token: string;
}

// One caller for all operations of the page: whoever tries several types the key once.
let caller: Caller = { base: PREFIX, mchid: "", privateKey: "", token: "" };
const hearers = new Set<() => void>();

function changeCaller(change: Partial<Caller>): void {
  caller = { ...caller, ...change };
  for (const hear of hearers) hear();
}

function useCaller(): Caller {
  return useSyncExternalStore(
    (hear) => {
      hearers.add(hear);
      return () => hearers.delete(hear);
    },
    () => caller,
  );
}

interface Heard {
  readonly status: number;
  readonly took: number;
  readonly headers: string;
  readonly body: string;
}

export function Try({ api, operation }: { api: Api; operation: Operation }) {
  const { say } = useLanguage();
  const who = useCaller();
  const [values, setValues] = useState<Record<string, string>>({});
  const [body, setBody] = useState(() => (operation.body === null ? "" : JSON.stringify(exampleOf(api, operation.body, true), null, 2)));
  const [heard, setHeard] = useState<Heard | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const sandbox = useSandbox(who.base);
  const target = targetOf(operation, values);
  const sent = operation.body === null ? "" : compact(body);
  const allowed = sandbox === true || (operation.access === "none" && operation.method === "get");

  const run = async () => {
    setBusy(true);
    setWrong(null);
    try {
      setHeard(await send(operation, who, target, sent));
    } catch (error) {
      setWrong(error instanceof Error ? error.message : String(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <section className="try">
      <h2 id="try">{say({ zh: "试一试", en: "Try it" })}</h2>
      <Samples samples={samplesOf(operation, { origin: location.origin, base: who.base, target, values, body: sent })} />
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void run();
        }}
      >
        <Who access={operation.access} />
        {operation.parameters.map(({ name, in: place, required }) => (
          <label key={`${place} ${name}`} className="field">
            <span>
              <code>{name}</code> <small>{place}</small>
            </span>
            <input required={required === true} value={values[name] ?? ""} onChange={(event) => setValues({ ...values, [name]: event.target.value })} />
          </label>
        ))}
        {operation.body !== null && (
          <label className="field">
            <span>{say({ zh: "请求体", en: "Body" })}</span>
            <textarea rows={Math.min(16, body.split("\n").length + 1)} spellCheck={false} value={body} onChange={(event) => setBody(event.target.value)} />
          </label>
        )}
        <div className="run">
          <button type="submit" className="primary" disabled={busy || !allowed}>
            {say({ zh: "发送", en: "Send" })}
          </button>
          <span className="soft">
            {!allowed &&
              sandbox === false &&
              say({ zh: "这里是真实资金：页面只发送公开查询，其他请求请到沙箱试。", en: "Real money moves here: this page sends public reads only. Try the rest in a sandbox." })}
          </span>
        </div>
      </form>
      <div role="status">
        {wrong !== null && <p className="notice">{wrong}</p>}
        {heard !== null && <Answered heard={heard} />}
      </div>
    </section>
  );
}

// The language that was chosen on one operation's page holds for the next.
let chosenSample = "curl";

function Samples({ samples }: { samples: readonly Sample[] }) {
  const { say } = useLanguage();
  const [chosen, setChosen] = useState(chosenSample);
  const shown = samples.find(({ name }) => name === chosen) ?? samples[0];
  return (
    <>
      {samples.length > 1 && (
        <div className="choices small" role="group" aria-label={say({ zh: "语言", en: "Language" })}>
          {samples.map(({ name }) => (
            <button
              key={name}
              type="button"
              aria-pressed={name === shown?.name}
              onClick={() => {
                chosenSample = name;
                setChosen(name);
              }}
            >
              {name}
            </button>
          ))}
        </div>
      )}
      {shown !== undefined && <Code text={shown.text} label={shown.name} />}
    </>
  );
}

function Answered({ heard }: { heard: Heard }) {
  const { say } = useLanguage();
  const code = heard.status >= 400 ? /"code":\s*"(\w+)"/.exec(heard.body)?.[1] : undefined;
  return (
    <>
      <p>
        <span className="status-number" data-class={String(heard.status)[0]}>
          {heard.status}
        </span>{" "}
        {heard.took.toFixed(0)} ms
        {code !== undefined && (
          <>
            {" · "}
            <Link to={`/errors/${code}`}>
              <code>{code}</code>
            </Link>
          </>
        )}
      </p>
      <Code text={`${heard.headers}\n\n${heard.body}`} label={say({ zh: "回答", en: "Answer" })} />
    </>
  );
}

function Who({ access }: { access: Operation["access"] }) {
  const { say } = useLanguage();
  const who = useCaller();
  return (
    <details className="who" open={access !== "none"}>
      <summary>{say({ zh: "发给谁，以谁的身份", en: "To whom, and as whom" })}</summary>
      <label className="field">
        <span>{say({ zh: "沙箱路径(默认本服务器)", en: "The sandbox's path (this server without one)" })}</span>
        <input placeholder="/s/…" pattern="(/[A-Za-z0-9_\-]+)*" value={who.base} onChange={(event) => changeCaller({ base: event.target.value.trim() })} />
      </label>
      {access === "signature" && (
        <>
          <label className="field">
            <span>mchid</span>
            <input placeholder="mch_…" value={who.mchid} onChange={(event) => changeCaller({ mchid: event.target.value.trim() })} />
          </label>
          <label className="field">
            <span>{say({ zh: "沙箱私钥 PEM(Ed25519 或 RSA,只留在本页内存)", en: "The sandbox's private key, PEM (Ed25519 or RSA; stays in this page's memory)" })}</span>
            <textarea rows={4} spellCheck={false} autoComplete="off" placeholder="-----BEGIN PRIVATE KEY-----" value={who.privateKey} onChange={(event) => changeCaller({ privateKey: event.target.value })} />
          </label>
        </>
      )}
      {access === "session" && (
        <label className="field">
          <span>{say({ zh: "会话令牌", en: "Session token" })}</span>
          <input autoComplete="off" value={who.token} onChange={(event) => changeCaller({ token: event.target.value.trim() })} />
        </label>
      )}
    </details>
  );
}

/** Whether the server at `base` is a sandbox; `null` until it said so. */
function useSandbox(base: string): boolean | null {
  const [sandbox, setSandbox] = useState<boolean | null>(null);
  useEffect(() => {
    const stop = new AbortController();
    setSandbox(null);
    ask<{ sandbox: boolean }>(`${base}/v1/public/status`, { signal: stop.signal }).then(
      ({ body }) => setSandbox(body.sandbox),
      () => setSandbox(null),
    );
    return () => stop.abort();
  }, [base]);
  return sandbox;
}

function targetOf({ path, parameters }: Operation, values: Readonly<Record<string, string>>): string {
  const filled = path.replace(/\{(\w+)\}/g, (whole, name: string) => (values[name] ? encodeURIComponent(values[name]) : whole));
  const query = parameters.filter(({ in: place, name }) => place === "query" && values[name]).map(({ name }) => `${name}=${encodeURIComponent(values[name] ?? "")}`);
  return query.length === 0 ? filled : `${filled}?${query.join("&")}`;
}

function compact(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body));
  } catch {
    return body;
  }
}

async function send(operation: Operation, who: Caller, target: string, body: string): Promise<Heard> {
  const headers = new Headers();
  if (operation.body !== null) headers.set("Content-Type", "application/json");
  if (operation.access === "session") headers.set("Authorization", `Bearer ${who.token}`);
  if (operation.access === "signature") {
    const privateDer = fromPem(who.privateKey);
    if (privateDer === null) throw new Error("There is no PEM block in the private key.");
    const asked = { method: operation.method.toUpperCase(), target, body };
    headers.set("Authorization", await authorization({ mchid: who.mchid, privateDer }, asked));
  }
  if (operation.parameters.some(({ name }) => name === "Idempotency-Key")) headers.set("Idempotency-Key", crypto.randomUUID());
  const from = performance.now();
  const init: RequestInit = { method: operation.method.toUpperCase(), headers, credentials: "omit", cache: "no-store" };
  if (operation.body !== null) init.body = body;
  const response = await fetch(who.base + target, init);
  const text = await response.text();
  const told = [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
  return { status: response.status, took: performance.now() - from, headers: told, body: pretty(text) };
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
