// From what is meant to how it ended: the sheet that is confirmed, the PIN, the wait, the truth.

import { shownMoney } from "@shared/money.ts";
import { type ReactNode, useCallback, useEffect, useRef, useState } from "react";

import { passkeySigns, passkeysWork } from "../api/passkeys.ts";
import { now, type ProblemBody } from "../api/client.ts";
import type { Money } from "../api/types.ts";
import { evidenceText } from "../device.ts";
import { useFeature } from "../features.ts";
import { moved } from "../load.ts";
import { PinField } from "../parts/fields.tsx";
import { Page } from "../parts/page.tsx";
import { Busy, Fault, Tip } from "../parts/tell.tsx";
import { go, Link } from "../router.tsx";
import { useSigned } from "../session.tsx";
import { useSettings } from "../settings.tsx";
import { acting } from "../texts/acting.ts";
import { common } from "../texts/common.ts";
import { problemText, reasonText } from "../texts/problems.ts";
import { type Act, begin, type Intent, type Made, MARGIN_MS, type Outcome, send, settle, truth, type What } from "./acts.ts";

/** Between two looks for the truth, milliseconds. */
const LOOK_MS = 2_000;

type Step =
  | { readonly at: "sheet" }
  | { readonly at: "pin"; readonly act: Act | null; readonly problem: ProblemBody | null }
  | { readonly at: "sending" }
  | { readonly at: "checking"; readonly act: Act; readonly pin: string | null }
  | { readonly at: "end"; readonly act: Act; readonly outcome: Exclude<Outcome, { kind: "open" }> }
  | { readonly at: "broken"; readonly error: unknown };

interface PerformProps {
  intent: Intent;
  title: string;
  /** The name of the wallet that pays or is paid into. */
  walletName: string;
  /** Back to where it can be changed. */
  onBack: () => void;
  /** Another number is needed: what failed keeps its own for ever. */
  onRenew?: () => void;
  /** More that belongs on the sheet. */
  children?: ReactNode;
  /** What stands below a good end, beside the receipt. */
  after?: (made: Made) => ReactNode;
}

export function Perform({ intent, title, walletName, onBack, onRenew, children, after }: PerformProps) {
  const { say } = useSettings();
  const signed = useSigned();
  const [step, setStep] = useState<Step>({ at: "sheet" });
  const [pin, setPin] = useState("");
  const passkeys = useFeature("passkeys");

  const finish = useCallback(async (act: Act, outcome: Outcome, pin: string | null) => {
    if (outcome.kind === "open") return setStep({ at: "checking", act, pin });
    if (outcome.kind === "refused" && ["pin_required", "pin_invalid", "pin_locked"].includes(outcome.problem.code)) {
      setPin("");
      return setStep({ at: "pin", act, problem: outcome.problem.code === "pin_required" ? null : outcome.problem });
    }
    await settle(act);
    moved();
    setStep({ at: "end", act, outcome });
  }, []);

  const perform = async (before: Act | null, typed: string | null, passkey = false) => {
    if (signed.device === null) return;
    setStep({ at: "sending" });
    try {
      const act = before !== null && now() < before.expires - 5_000 && !passkey ? before : await begin(intent, signed.device, passkey ? passkeySigns : undefined);
      if (before !== null && act !== before) await settle(before);
      await finish(act, await send(act, typed), typed);
    } catch (error) {
      // Nothing was sent: the key, the passkey or the device's own store said no.
      setStep({ at: "broken", error });
    }
  };

  const again = () => {
    if (step.at === "end" && step.outcome.kind === "made") onRenew?.();
    setPin("");
    setStep({ at: "sheet" });
  };

  switch (step.at) {
    case "sheet":
      return (
        <Page title={title} back={onBack} foot={<Go intent={intent} disabled={signed.device === null} onGo={() => (intent.pin === "always" ? setStep({ at: "pin", act: null, problem: null }) : void perform(null, null))} />}>
          {signed.device === null ? (
            <Tip kind="warn" title={say(common.noDevice)}>
              {say(common.noDeviceHow)}
              <span className="row">
                <Link to="/bind" className="button">
                  {say(common.bindNow)}
                </Link>
              </span>
            </Tip>
          ) : null}
          <Sheet intent={intent} walletName={walletName} />
          {children}
        </Page>
      );
    case "pin":
      return (
        <Page title={title} back={() => setStep({ at: "sheet" })}>
          <p className="center soft">{intent.name}</p>
          <p className="sum">{shownMoney(intent.amount)}</p>
          <PinField label={say(acting.pin)} value={pin} onValue={setPin} onWhole={(typed) => void perform(step.act, typed)} />
          {step.problem === null ? null : <Refused problem={step.problem} />}
          <div className="spread">
            <Link to="/pin">{say(acting.forgotPin)}</Link>
            {passkeys === true && passkeysWork() ? (
              <button type="button" onClick={() => void perform(step.act, null, true)}>
                {say(acting.byPasskey)}
              </button>
            ) : null}
          </div>
        </Page>
      );
    case "sending":
      return (
        <Page title={title} back={null}>
          <Busy text={say(acting.sending)} />
          <p className="note center">{say(acting.sendingHow)}</p>
        </Page>
      );
    case "checking":
      return <Checking act={step.act} pin={step.pin} title={title} onKnown={(outcome) => void finish(step.act, outcome, step.pin)} />;
    case "broken":
      return (
        <Page title={title} back={onBack}>
          <Fault error={step.error} again={() => setStep({ at: "sheet" })} />
        </Page>
      );
    case "end":
      return <End title={title} act={step.act} outcome={step.outcome} onAgain={again} onBack={onBack} {...(after ? { after } : {})} />;
  }
}

const GO: Readonly<Record<What, { zh: string; en: string }>> = {
  pay: acting.goPay,
  pay_static: acting.goPay,
  transfer: acting.goSend,
  transfer_delayed: acting.goSend,
  request: acting.goPay,
  top_up: acting.goTopUp,
  withdraw: acting.goWithdraw,
  mandate: acting.goAllow,
  debit_agreement: acting.goAllow,
  red_packet: acting.goPacket,
};

function Go({ intent, disabled, onGo }: { intent: Intent; disabled: boolean; onGo: () => void }) {
  const { say } = useSettings();
  return (
    <button type="button" className="primary wide" disabled={disabled} onClick={onGo}>
      {say(GO[intent.what], { amount: shownMoney(intent.amount) })}
    </button>
  );
}

/** What the device is about to sign, first for people, then word for word. */
function Sheet({ intent, walletName }: { intent: Intent; walletName: string }) {
  const { say } = useSettings();
  const { action, payee, amount, subject, wallet } = intent;
  const text = evidenceText({ action, payee, amount, subject, wallet, expires: "…", nonce: "…" });
  return (
    <>
      <p className="center">{intent.name}</p>
      <p className="sum">{shownMoney(amount)}</p>
      <section className="card">
        <h2>{say(acting.confirm)}</h2>
        <dl className="facts">
          <Fact name={say(common.payee)} value={intent.name} />
          <Fact name={say(acting.what)} value={intent.about} />
          <Fact name={say(common.amount)} value={shownMoney(amount)} />
          <Fact name={say(intent.what === "top_up" ? acting.into : acting.wallet)} value={walletName} />
        </dl>
        <details>
          <summary>{say(acting.signs)}</summary>
          <p className="note">{say(acting.signsHow)}</p>
          <p className="mono signed">{text}</p>
        </details>
      </section>
    </>
  );
}

export function Fact({ name, value }: { name: string; value: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

export function Refused({ problem }: { problem: ProblemBody }) {
  const { language } = useSettings();
  const { title, more } = problemText(problem, language);
  return (
    <Tip kind="bad" title={`⚠ ${title}`} alert>
      {more}
    </Tip>
  );
}

/** An answer was lost. The same request is sent again, which is done once whatever was heard, and the platform is asked. */
export function Checking({ act, pin, title, onKnown }: { act: Act; pin: string | null; title: string; onKnown: (outcome: Outcome) => void }) {
  const { say } = useSettings();
  const [left, setLeft] = useState(() => Math.ceil((act.expires + MARGIN_MS - now()) / 1000));
  const known = useRef(onKnown);
  known.current = onKnown;
  useEffect(() => {
    let over = false;
    const look = async () => {
      while (!over) {
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
        if (over) return;
        setLeft(Math.ceil((act.expires + MARGIN_MS - now()) / 1000));
        let outcome = await truth(act);
        // Whoever has the PIN still, or needed none, may send the very same request again while it is valid.
        if (outcome.kind === "open" && now() < act.expires && (pin !== null || act.pin === "asked")) outcome = await send(act, pin);
        if (!over && outcome.kind !== "open") return known.current(outcome);
      }
    };
    void look();
    return () => {
      over = true;
    };
  }, [act, pin]);
  return (
    <Page title={title} back={null}>
      <p className="center soft">{act.name}</p>
      <p className="sum">{shownMoney(act.amount)}</p>
      <Busy text={say(acting.checking)} />
      <Tip kind="warn">
        <span>{say(acting.checkingHow)}</span>
        <span>{left > 0 ? say(acting.checkingUntil, { s: left }) : say(acting.checkingLong)}</span>
      </Tip>
      <p className="note center">{say(acting.safe)}</p>
      <button type="button" className="wide" onClick={() => go("/", { instead: true })}>
        {say(acting.leave)}
      </button>
    </Page>
  );
}

const DONE: Readonly<Record<What, { zh: string; en: string }>> = {
  pay: acting.paid,
  pay_static: acting.paid,
  transfer: acting.sent,
  transfer_delayed: acting.sent,
  request: acting.paid,
  top_up: acting.toppedUp,
  withdraw: acting.withdrawn,
  mandate: acting.allowed,
  debit_agreement: acting.allowed,
  red_packet: acting.packed,
};

interface EndProps {
  title: string;
  act: Act;
  outcome: Exclude<Outcome, { kind: "open" }>;
  onAgain: () => void;
  onBack: () => void;
  after?: (made: Made) => ReactNode;
}

export function End({ title, act, outcome: first, onAgain, onBack, after }: EndProps) {
  const { say } = useSettings();
  const [outcome, setOutcome] = useState(first);
  const waiting = outcome.kind === "made" && outcome.made.state === "waiting";
  // What a bank is still at work on is looked at for as long as the page is open.
  useEffect(() => {
    if (!waiting) return;
    const timer = setInterval(() => {
      void truth(act).then((found) => {
        if (found.kind !== "made" || found.made.state === "waiting") return;
        setOutcome(found);
        moved();
      });
    }, LOOK_MS);
    return () => clearInterval(timer);
  }, [waiting, act]);
  const good = outcome.kind === "made" && outcome.made.state !== "failed";
  return (
    <Page title={title} back={null}>
      <Verdict act={act} outcome={outcome} />
      <p className="center">{act.name}</p>
      <p className="sum">{shownMoney(act.amount)}</p>
      <p className="center soft">{act.about}</p>
      {outcome.kind === "refused" ? <Refused problem={outcome.problem} /> : null}
      <div className="stack">
        {good && after ? after(outcome.made) : null}
        {good ? <Ways made={outcome.made} act={act} /> : null}
        {!good ? (
          <button type="button" className="primary wide" onClick={onAgain}>
            {say(acting.retry)}
          </button>
        ) : null}
        {!good ? (
          <button type="button" className="wide" onClick={onBack}>
            {say(acting.edit)}
          </button>
        ) : null}
        <button type="button" className={good ? "primary wide" : "wide"} onClick={() => go("/", { instead: true })}>
          {say(good ? common.done : common.toHome)}
        </button>
      </div>
    </Page>
  );
}

/** The sign and the sentence that tell how it ended. */
function Verdict({ act, outcome }: { act: Act; outcome: Exclude<Outcome, { kind: "open" }> }) {
  const { say, language } = useSettings();
  const line = useRef<HTMLHeadingElement>(null);
  useEffect(() => line.current?.focus(), []);
  const [kind, sign, words, more] = ((): [string, string, string, string] => {
    if (outcome.kind === "never") return ["wait", "○", say(acting.never), say(acting.neverHow)];
    if (outcome.kind === "refused") return ["bad", "✕", say(acting.refused), ""];
    const { made } = outcome;
    if (made.state === "failed") {
      const { title, more } = made.reason === null ? { title: "", more: say(acting.failedHow) } : reasonText(made.reason, language);
      return ["bad", "✕", say(acting.failed), `${title} ${more}`.trim()];
    }
    if (made.state === "waiting") return ["wait", "…", say(acting.waiting), say(acting.waitingHow)];
    const arrives = (made.answer as { arrives_at?: string; state?: string } | null) ?? {};
    if (arrives.arrives_at && arrives.state === "PENDING") return ["good", "✓", say(acting.sentLater, { at: arrives.arrives_at.slice(5, 16).replace("T", " ") }), say(acting.sentLaterHow)];
    return ["good", "✓", say(DONE[act.what]), ""];
  })();
  return (
    <>
      <p className={`sign ${kind}`} aria-hidden="true">
        {sign}
      </p>
      <h2 className="lead center" ref={line} tabIndex={-1} role="status" data-verdict={kind}>
        {words}
      </h2>
      {more === "" ? null : <p className="center soft">{more}</p>}
    </>
  );
}

function Ways({ made, act }: { made: Made; act: Act }) {
  const { say } = useSettings();
  if (made.transaction !== null) {
    return (
      <Link to={`/record/${made.transaction}?of=${act.wallet}`} className="button wide">
        {say(acting.receipt)}
      </Link>
    );
  }
  if (act.what === "top_up" || act.what === "withdraw") {
    return (
      <Link to={`/exchange/${act.what}/${made.thing}`} className="button wide">
        {say(acting.follow)}
      </Link>
    );
  }
  return null;
}

/** An intent's amount in fen. */
export function cny(amount: number): Money {
  return { amount, currency: "CNY" };
}
