// Tickets: a question or a quarrel that one can follow. `/tickets/new?topic=…&subject=…`, `/tickets/tkt_…`.

import { shownTime } from "@shared/time.ts";
import { type FormEvent, useId, useState } from "react";

import { api } from "../api/client.ts";
import type { Ticket } from "../api/social.ts";
import type { PageOf } from "../api/types.ts";
import { makeNonce } from "../device.ts";
import { useLoad } from "../load.ts";
import { useAct } from "../parts/act.ts";
import { Page } from "../parts/page.tsx";
import { Empty, Fault, Shown } from "../parts/tell.tsx";
import { go, Link, useSearch } from "../router.tsx";
import { useSettings } from "../settings.tsx";
import { social } from "../texts/social.ts";

const TOPICS = ["QUESTION", "COMPLAINT", "CONTEST_PAYMENT", "ASK_REFUND", "LOST_DEVICE"] as const;
const STATES = { OPEN: social.ticketOPEN, ANSWERED: social.ticketANSWERED, CLOSED: social.ticketCLOSED };

export default function Tickets({ rest }: { rest: string }) {
  if (rest === "new") return <New />;
  return rest === "" ? <All /> : <One id={rest} />;
}

function All() {
  const { say } = useSettings();
  const list = useLoad<PageOf<Ticket>>("/v1/wallet/tickets");
  return (
    <Page title={say(social.tickets)} back="/me">
      <Link to="/tickets/new" className="button primary wide">
        {say(social.ticketNew)}
      </Link>
      <Shown of={list}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty icon="request">{say(social.ticketsNone)}</Empty>
          ) : (
            <ul className="list">
              {items.map((ticket) => (
                <li key={ticket.id}>
                  <Link to={`/tickets/${ticket.id}`} className="go">
                    <span className="text">
                      <span>{say(social[ticket.topic])}</span>
                      <span className="sub">{shownTime(ticket.updated_at, true).slice(0, 16)}</span>
                    </span>
                    <span className={`badge ${ticket.state === "ANSWERED" ? "good" : ""}`}>{say(STATES[ticket.state])}</span>
                  </Link>
                </li>
              ))}
            </ul>
          )
        }
      </Shown>
    </Page>
  );
}

function TextArea({ label, value, onValue, fault }: { label: string; value: string; onValue: (value: string) => void; fault: string | null }) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <textarea id={id} value={value} maxLength={2000} aria-invalid={fault !== null} onChange={(event) => onValue(event.target.value)} />
      {fault === null ? null : (
        <span className="fault" role="alert">
          {fault}
        </span>
      )}
    </div>
  );
}

function New() {
  const { say } = useSettings();
  const search = useSearch();
  const asked = TOPICS.find((topic) => topic === search.get("topic"));
  const subject = search.get("subject");
  const [topic, setTopic] = useState<Ticket["topic"]>(asked ?? "QUESTION");
  const [text, setText] = useState("");
  const [tried, setTried] = useState(false);
  const [key] = useState(makeNonce);
  const { working, error, run } = useAct();
  const needs = topic === "CONTEST_PAYMENT" || topic === "ASK_REFUND";
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (text.trim() === "") return;
    void run(async () => {
      const ticket = await api<Ticket>("/v1/wallet/tickets", { method: "POST", body: { topic, text: text.trim(), ...(subject === null ? {} : { subject }) }, idempotencyKey: key });
      go(`/tickets/${ticket.id}`, { instead: true });
    });
  };
  return (
    <Page title={say(social.ticketNew)} back="/tickets">
      <form onSubmit={submit} noValidate>
        <div className="field">
          <label htmlFor="topic">{say(social.ticketTopic)}</label>
          <select id="topic" value={topic} onChange={(event) => setTopic(event.target.value as Ticket["topic"])}>
            {TOPICS.filter((one) => subject !== null || (one !== "CONTEST_PAYMENT" && one !== "ASK_REFUND")).map((one) => (
              <option key={one} value={one}>
                {say(social[one])}
              </option>
            ))}
          </select>
        </div>
        {needs && subject !== null ? (
          <p className="note">
            {say(social.ticketSubject)} <span className="mono">{subject}</span>
          </p>
        ) : null}
        <TextArea label={say(social.ticketText)} value={text} onValue={setText} fault={tried && text.trim() === "" ? say(social.ticketTextFault) : null} />
        <Fault error={error} />
        <button type="submit" className="primary wide" disabled={working}>
          {say(social.ticketSend)}
        </button>
      </form>
    </Page>
  );
}

function One({ id }: { id: string }) {
  const { say } = useSettings();
  const path = `/v1/wallet/tickets/${encodeURIComponent(id)}`;
  const loaded = useLoad<Ticket>(path);
  const [text, setText] = useState("");
  const { working, error, run } = useAct();
  const reply = (event: FormEvent) => {
    event.preventDefault();
    if (text.trim() === "") return;
    void run(() => api(`${path}/messages`, { method: "POST", body: { text: text.trim() } })).then((good) => good && setText(""));
  };
  return (
    <Page title={say(social.tickets)} back="/tickets">
      <Shown of={loaded}>
        {(ticket) => (
          <>
            <div className="spread">
              <h2>{say(social[ticket.topic])}</h2>
              <span className="badge">{say(STATES[ticket.state])}</span>
            </div>
            {ticket.subject ? <p className="mono">{ticket.subject}</p> : null}
            <ul className="stack">
              {ticket.messages?.map((message) => (
                <li key={`${message.at} ${message.text.slice(0, 20)}`} className={message.from === "YOU" ? "tip" : "tip good"}>
                  <strong>{say(social[message.from])}</strong>
                  <span className="wrap">{message.text}</span>
                  <span className="note">{shownTime(message.at, true).slice(0, 16)}</span>
                </li>
              ))}
            </ul>
            {ticket.state === "CLOSED" ? null : (
              <form onSubmit={reply} noValidate>
                <TextArea label={say(social.ticketReply)} value={text} onValue={setText} fault={null} />
                <Fault error={error} />
                <button type="submit" className="primary wide" disabled={working || text.trim() === ""}>
                  {say(social.ticketReply)}
                </button>
                <button type="button" className="wide" disabled={working} onClick={() => void run(() => api(`${path}/close`, { method: "POST" }))}>
                  {say(social.ticketClose)}
                </button>
              </form>
            )}
          </>
        )}
      </Shown>
    </Page>
  );
}
