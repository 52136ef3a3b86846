// Feedback to the people who run this platform: a form that anyone may send, without signing in.

import { type FormEvent, type ReactNode, useEffect, useRef, useState } from "react";

import { ApiProblem, ask } from "@shared/api.ts";
import { shownTime } from "@shared/time.ts";

import { begun, bodyOf, EMPTY, type Field, type Letter, lengthOf, MAX_ABOUT, MAX_CONTACT, MAX_TEXT, TOPICS, type Topic, wrongOf } from "../feedback/letter.ts";
import { useLanguage, useTitle } from "../language.tsx";
import { Link } from "../router.tsx";

interface Received {
  readonly id: string;
  readonly created_at: string;
}

/** Where the sending stands. */
type Sending = { at: "writing" } | { at: "sending" } | { at: "sent"; received: Received } | { at: "refused"; problem: ApiProblem | null };

const FIELDS: readonly Field[] = ["topic", "text", "about", "contact"];

export default function FeedbackPage() {
  const { say } = useLanguage();
  const [letter, setLetter] = useState<Letter>(() => begun(location.search));
  const [sending, setSending] = useState<Sending>({ at: "writing" });
  // Faults are shown once somebody tried to send, and go as they are mended.
  const [tried, setTried] = useState(false);
  // Made before the first try and the same in every repetition, until something else is written.
  const key = useRef(crypto.randomUUID());
  const told = useRef<HTMLDivElement>(null);
  useTitle(say({ zh: "反馈", en: "Feedback" }));
  useEffect(() => {
    if (sending.at === "sent" || sending.at === "refused") told.current?.focus();
  }, [sending]);

  const change = (part: Partial<Letter>) => {
    key.current = crypto.randomUUID();
    setLetter({ ...letter, ...part });
  };
  const wrong = wrongOf(letter);
  const named = sending.at === "refused" ? sending.problem?.problem.field : undefined;
  const faultOf = (field: Field): string | null => {
    const fault = tried ? wrong[field] : undefined;
    if (fault !== undefined) return say(fault);
    return named === field && sending.at === "refused" ? (sending.problem?.problem.detail ?? null) : null;
  };
  const send = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    setTried(true);
    const first = FIELDS.find((field) => wrong[field] !== undefined);
    if (first !== undefined) {
      form.querySelector<HTMLElement>(`[name="${first}"]`)?.focus();
      return;
    }
    setSending({ at: "sending" });
    try {
      const headers = { "Content-Type": "application/json", "Idempotency-Key": key.current };
      const { body } = await ask<Received>("/v1/public/feedback", { method: "POST", headers, body: bodyOf(letter) });
      setSending({ at: "sent", received: body });
    } catch (error) {
      setSending({ at: "refused", problem: error instanceof ApiProblem ? error : null });
    }
  };

  return (
    <div className="page">
      <h1>{say({ zh: "反馈", en: "Feedback" })}</h1>
      <p className="lead">
        {say({ zh: "文档写错了、接口不好用、缺了什么：写在这里，运营人员会读。", en: "A page that is wrong, a call that is awkward, something missing: write it here, and the operators read it." })}
      </p>
      <div ref={told} tabIndex={-1} role="status" className="told">
        {sending.at === "sent" && (
          <Done
            received={sending.received}
            contact={letter.contact.trim() !== ""}
            again={() => {
              key.current = crypto.randomUUID();
              setLetter(EMPTY);
              setTried(false);
              setSending({ at: "writing" });
            }}
          />
        )}
        {sending.at === "refused" && <Refused problem={sending.problem} />}
      </div>
      {sending.at !== "sent" && (
        <form className="letter" noValidate onSubmit={(event) => void send(event)}>
          <Labelled name="topic" label={say({ zh: "类型", en: "About" })} fault={faultOf("topic")}>
            <select {...described("topic", faultOf("topic"))} required value={letter.topic} onChange={(event) => change({ topic: event.target.value as Topic | "" })}>
              <option value="">{say({ zh: "请选择", en: "Choose" })}</option>
              {TOPICS.map(({ topic, name }) => (
                <option key={topic} value={topic}>
                  {say(name)}
                </option>
              ))}
            </select>
          </Labelled>
          <Labelled
            name="text"
            label={say({ zh: "内容", en: "What happened, and what you expected" })}
            hint={say({ zh: `${lengthOf(letter.text)} / ${MAX_TEXT} 字符。请不要写密钥、密码或他人的个人信息。`, en: `${lengthOf(letter.text)} of ${MAX_TEXT} characters. No keys, passwords or other people's data, please.` })}
            fault={faultOf("text")}
          >
            <textarea {...described("text", faultOf("text"), true)} required rows={8} value={letter.text} onChange={(event) => change({ text: event.target.value })} />
          </Labelled>
          <Labelled
            name="about"
            label={say({ zh: "在哪里(可不填)", en: "Where (optional)" })}
            hint={say({ zh: "页面、接口名，或出错应答的 Request-Id。", en: "The page, the operation, or the Request-Id of the answer." })}
            fault={faultOf("about")}
          >
            <input {...described("about", faultOf("about"), true)} maxLength={MAX_ABOUT} value={letter.about} placeholder="create_order" onChange={(event) => change({ about: event.target.value })} />
          </Labelled>
          <Labelled
            name="contact"
            label={say({ zh: "联系方式(可不填)", en: "How to reach you (optional)" })}
            hint={say({ zh: "只用于答复您，加密保存；不填则无法答复。", en: "Used to answer you and kept sealed; without it nobody can answer." })}
            fault={faultOf("contact")}
          >
            <input {...described("contact", faultOf("contact"), true)} maxLength={MAX_CONTACT} autoComplete="email" value={letter.contact} placeholder="dev@shop.example" onChange={(event) => change({ contact: event.target.value })} />
          </Labelled>
          <div className="run">
            <button type="submit" className="primary" disabled={sending.at === "sending"}>
              {sending.at === "sending" ? say({ zh: "正在发送…", en: "Sending…" }) : say({ zh: "发送", en: "Send" })}
            </button>
          </div>
        </form>
      )}
      <p className="soft">
        {say({ zh: "商户服务器可以签名提交，答复会以事件通知：", en: "Merchants' servers sign theirs and are told of the answer by an event: " })}
        <Link to="/docs/guides/going-live#8-feedback--反馈">{say({ zh: "上线指南 · 反馈", en: "going live, feedback" })}</Link>
        {say({ zh: "。安全漏洞请不要写在这里，见仓库的 SECURITY.md。", en: ". Please do not report vulnerabilities here: see SECURITY.md of the repository." })}
      </p>
    </div>
  );
}

/** What ties a field to its hint and its fault. */
function described(name: Field, fault: string | null, hinted = false) {
  const ids = [hinted ? `${name}-hint` : null, fault === null ? null : `${name}-fault`].filter((id) => id !== null);
  return {
    id: name,
    name,
    "aria-invalid": fault !== null,
    ...(ids.length > 0 ? { "aria-describedby": ids.join(" ") } : {}),
  };
}

function Labelled({ name, label, hint, fault, children }: { name: Field; label: string; hint?: string; fault: string | null; children: ReactNode }) {
  return (
    <div className="field">
      <label htmlFor={name}>{label}</label>
      {children}
      {hint !== undefined && (
        <p className="hint" id={`${name}-hint`}>
          {hint}
        </p>
      )}
      {fault !== null && (
        <p className="fault" id={`${name}-fault`}>
          {fault}
        </p>
      )}
    </div>
  );
}

function Done({ received, contact, again }: { received: Received; contact: boolean; again: () => void }) {
  const { say } = useLanguage();
  return (
    <div className="notice done">
      <h2>{say({ zh: "收到了，谢谢", en: "Received, thank you" })}</h2>
      <p>
        {say({ zh: "编号 ", en: "Its number is " })}
        <code>{received.id}</code>
        {say({ zh: `，${shownTime(received.created_at)}。`, en: `, ${shownTime(received.created_at)}. ` })}
        {contact ? say({ zh: "我们会按您留下的方式答复。", en: "We answer where you said." }) : say({ zh: "您没有留联系方式，追问时请报编号。", en: "You left no way to be reached: name the number if you ask back." })}
      </p>
      <button type="button" onClick={again}>
        {say({ zh: "再写一条", en: "Write another" })}
      </button>
    </div>
  );
}

function Refused({ problem }: { problem: ApiProblem | null }) {
  const { say } = useLanguage();
  if (problem === null) {
    return <p className="notice bad">{say({ zh: "没有得到回答，您写的内容还在。请检查网络后再发送：重复发送不会重复提交。", en: "No answer came; what you wrote is still here. Check the network and send again: it counts once." })}</p>;
  }
  const { code, detail, title, retry_after: wait } = problem.problem;
  const minutes = wait === undefined ? 0 : Math.ceil(wait / 60);
  return (
    <p className="notice bad">
      {code === "rate_limited"
        ? say({ zh: `现在提交的人太多，请约 ${Math.max(1, minutes)} 分钟后再发送，您写的内容还在。`, en: `Too much is being sent: try again in about ${Math.max(1, minutes)} minutes. What you wrote is still here.` })
        : say({ zh: `没有被接收：${detail ?? title} `, en: `It was not taken: ${detail ?? title} ` })}
      <Link to={`/errors/${code}`}>
        <code>{code}</code>
      </Link>
    </p>
  );
}
