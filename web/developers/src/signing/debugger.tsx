// The signature debugger: a request and a public key in, the signed text and a verdict out.
//
// Everything is computed in the browser; nothing that is typed here is sent anywhere.

import { useEffect, useMemo, useState } from "react";

import {
  type Authorization,
  diagnose,
  digestOf,
  fromPem,
  parseAuthorization,
  serialOf,
  type Signed,
  signedText,
  type Suite,
  suiteOf,
  type Verdict,
} from "@shared/signing.ts";

import { example, vectors } from "virtual:vectors";

import { useLanguage, useTitle } from "../language.tsx";
import { Link } from "../router.tsx";
import { FINDINGS } from "./texts.ts";

interface Asked {
  method: string;
  target: string;
  authorization: string;
  body: string;
  publicKey: string;
}

const EMPTY: Asked = { method: "POST", target: "/v1/merchant/orders", authorization: "", body: "", publicKey: "" };

export default function Debugger() {
  const { say } = useLanguage();
  const [asked, setAsked] = useState<Asked>(EMPTY);
  useTitle(say({ zh: "签名调试器", en: "Signature debugger" }));
  const change = (member: keyof Asked) => (event: { target: { value: string } }) => setAsked({ ...asked, [member]: event.target.value });
  return (
    <div className="page debugger">
      <h1>{say({ zh: "签名调试器", en: "Signature debugger" })}</h1>
      <p className="lead">
        {say({
          zh: "粘贴您发送的请求，看到被签的文本；签名不对时指出是哪一种常见错误。全部在浏览器里计算，什么都不上传。",
          en: "Paste the request that you sent and see the text that is signed; a wrong signature is told which mistake it is. All of it happens in your browser.",
        })}
      </p>
      <p className="calls">
        <button type="button" onClick={() => setAsked(example)}>
          {say({ zh: "填入文档中的例子", en: "Fill in the guide's example" })}
        </button>
        <button type="button" onClick={() => setAsked(EMPTY)}>
          {say({ zh: "清空", en: "Clear" })}
        </button>
      </p>
      <form onSubmit={(event) => event.preventDefault()}>
        <div className="line-of-fields">
          <label className="field short">
            <span>{say({ zh: "方法", en: "Method" })}</span>
            <select value={asked.method} onChange={change("method")}>
              {["GET", "POST", "PUT", "PATCH", "DELETE"].map((method) => (
                <option key={method}>{method}</option>
              ))}
            </select>
          </label>
          <label className="field">
            <span>{say({ zh: "路径与查询(与发送的一致)", en: "Path and query, as sent" })}</span>
            <input spellCheck={false} value={asked.target} onChange={change("target")} />
          </label>
        </div>
        <label className="field">
          <span>Authorization</span>
          <textarea rows={4} spellCheck={false} placeholder='JIALING1-ED25519 mchid="…",serial_no="…",timestamp="…",nonce_str="…",signature="…"' value={asked.authorization} onChange={change("authorization")} />
        </label>
        <label className="field">
          <span>{say({ zh: "请求体(逐字节)", en: "Body, byte by byte" })}</span>
          <textarea rows={4} spellCheck={false} value={asked.body} onChange={change("body")} />
        </label>
        <label className="field">
          <span>{say({ zh: "公钥 PEM", en: "Public key, PEM" })}</span>
          <textarea rows={4} spellCheck={false} placeholder="-----BEGIN PUBLIC KEY-----" value={asked.publicKey} onChange={change("publicKey")} />
        </label>
      </form>
      <Outcome asked={asked} />
      <Vectors choose={setAsked} />
    </div>
  );
}

function Outcome({ asked }: { asked: Asked }) {
  const { say } = useLanguage();
  const read = useMemo(() => (asked.authorization.trim() === "" ? null : parseAuthorization(asked.authorization)), [asked.authorization]);
  if (read === null) return null;
  if ("missing" in read) {
    return (
      <p className="notice" role="status">
        {say({ zh: "请求头里缺少", en: "The header lacks" })} <code>{read.missing}</code>
      </p>
    );
  }
  return <Checked asked={asked} read={read} />;
}

function Checked({ asked, read }: { asked: Asked; read: Authorization }) {
  const { say } = useLanguage();
  const signed: Signed = { method: asked.method, target: asked.target, timestamp: read.timestamp, nonce: read.nonce, body: asked.body };
  const text = signedText(signed);
  const der = useMemo(() => fromPem(asked.publicKey), [asked.publicKey]);
  const [found, setFound] = useState<{ verdict: Verdict; digest: string; serial: string } | "unsupported" | null>(null);
  useEffect(() => {
    let wanted = true;
    setFound(null);
    if (der === null) return;
    const look = async () => ({ verdict: await diagnose(read.suite, der, signed, read.signature), digest: await digestOf(read.suite, text), serial: await serialOf(der) });
    look().then(
      (result) => wanted && setFound(result),
      () => wanted && setFound("unsupported"),
    );
    return () => {
      wanted = false;
    };
    // The text holds all members of what was signed.
  }, [text, der, read.suite, read.signature]);
  return (
    <section>
      <h2>{say({ zh: "被签的文本", en: "The signed text" })}</h2>
      <div className="code">
        <pre tabIndex={0} aria-label={say({ zh: "被签的文本,⏎ 表示换行", en: "The signed text; ⏎ stands for a line feed" })}>
          <code>{text.replaceAll("\n", "⏎\n")}</code>
        </pre>
      </div>
      <p className="soft">
        {new TextEncoder().encode(text).length} {say({ zh: "字节", en: "bytes" })}
        {found !== null && found !== "unsupported" && (
          <>
            {" · "}
            {digestName(read.suite)} <code className="digest">{found.digest}</code>
          </>
        )}
      </p>
      <div role="status">
        {der === null && <p>{say({ zh: "粘贴公钥即可验签。", en: "Paste the public key to verify." })}</p>}
        {found === "unsupported" && <p className="notice">{say({ zh: "这个浏览器读不了这把密钥。", en: "This browser cannot read this key." })}</p>}
        {found !== null && found !== "unsupported" && <Verdicts verdict={found.verdict} read={read} serial={found.serial} keySuite={der === null ? null : suiteOf(der)} />}
      </div>
    </section>
  );
}

function digestName(suite: Suite): string {
  return suite === "SM2-WITH-SM3" ? "SM3" : "SHA-256";
}

function Verdicts({ verdict, read, serial, keySuite }: { verdict: Verdict; read: Authorization; serial: string; keySuite: Suite | null }) {
  const { say } = useLanguage();
  return (
    <>
      <p className="verdict" data-good={verdict.kind === "valid"}>
        {verdict.kind === "valid" && say({ zh: "✓ 签名正确", en: "✓ The signature holds" })}
        {verdict.kind === "mistake" && `✗ ${say(FINDINGS[verdict.mistake])}`}
        {verdict.kind === "malformed" && say({ zh: "✗ 签名不是标准 base64", en: "✗ The signature is no standard base64" })}
        {verdict.kind === "other_suite" &&
          say({ zh: `✗ 密钥属于 ${keySuite ?? "未知算法"},请求头写的是 ${read.suite}`, en: `✗ The key belongs to ${keySuite ?? "no suite of ours"}, the header says ${read.suite}` })}
        {verdict.kind === "invalid" &&
          say({ zh: "✗ 签名不对，也不是常见错误：请逐行核对上面的文本，以及是否用了对应的私钥。", en: "✗ It does not hold, and is no usual mistake: compare the text above line by line, and check that the private key is this one's." })}
      </p>
      {serial !== read.serial && (
        <p className="notice">
          {say({ zh: `serial_no 不符：这把公钥的序列号是 ${serial},请求头写的是 ${read.serial}。`, en: `serial_no differs: this key's is ${serial}, the header says ${read.serial}.` })}{" "}
          <Link to="/errors/key_unknown">
            <code>key_unknown</code>
          </Link>
        </p>
      )}
    </>
  );
}

function Vectors({ choose }: { choose: (asked: Asked) => void }) {
  const { say } = useLanguage();
  return (
    <section>
      <h2 id="vectors">{say({ zh: "测试向量", en: "Test vectors" })}</h2>
      <p>
        {say({
          zh: "每种算法的密钥、文本与签名。私钥是公开的，绝不要在沙箱之外登记。Ed25519 与 RSA 的签名每次相同;SM2 带随机数，只能验签。",
          en: "A key, a text and a signature for each suite. The private keys are public: never register them outside a sandbox. Ed25519 and RSA sign the same text the same way; SM2 mixes in randomness, so verify it.",
        })}
      </p>
      <ul className="vectors">
        {[{ suite: "ED25519", asked: example }, ...vectors].map(({ suite, asked }) => (
          <li key={asked.authorization}>
            <button
              type="button"
              onClick={() => {
                choose(asked);
                scrollTo(0, 0);
              }}
            >
              <strong>{suite}</strong>
              <code>
                {asked.method} {asked.target}
              </code>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
