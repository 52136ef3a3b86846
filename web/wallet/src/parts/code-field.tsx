// A one-time code: the button that sends it, the wait before another, the field.

import { useEffect, useState } from "react";

import type { CodeSent } from "../api/people.ts";
import { useSettings } from "../settings.tsx";
import { arrive } from "../texts/arrive.ts";
import { Field } from "./fields.tsx";
import { Fault } from "./tell.tsx";

export function CodeField({ value, onValue, send, fault = null, ready = true }: { value: string; onValue: (code: string) => void; send: () => Promise<CodeSent | null>; fault?: string | null; ready?: boolean }) {
  const { say } = useSettings();
  const [until, setUntil] = useState(0);
  const [left, setLeft] = useState(0);
  const [sent, setSent] = useState(false);
  const [sending, setSending] = useState(false);
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    if (until === 0) return;
    const tick = () => setLeft(Math.max(0, Math.ceil((until - Date.now()) / 1000)));
    tick();
    const timer = setInterval(tick, 500);
    return () => clearInterval(timer);
  }, [until]);
  const ask = async () => {
    setError(null);
    setSending(true);
    try {
      const answer = await send();
      if (answer !== null) {
        setSent(true);
        setUntil(Date.now() + answer.resend_after * 1000);
      }
    } catch (problem) {
      setError(problem);
    } finally {
      setSending(false);
    }
  };
  return (
    <>
      <Field
        label={say(arrive.code)}
        value={value}
        onValue={(typed) => onValue(typed.replace(/\D/g, "").slice(0, 6))}
        inputMode="numeric"
        autoComplete="one-time-code"
        maxLength={6}
        fault={fault}
        beside={
          <button type="button" disabled={left > 0 || sending || !ready} onClick={() => void ask()}>
            {left > 0 ? say(arrive.sendAgain, { s: left }) : say(arrive.sendCode)}
          </button>
        }
      />
      <p className="note" role="status">
        {sent ? `${say(arrive.codeSent)} ${say(arrive.neverTell)}` : ""}
      </p>
      <Fault error={error} />
    </>
  );
}
