// Requests to pay: asked of me, asked by me, a new one, and paying one.

import { shownMoney } from "@shared/money.ts";
import { shownTime } from "@shared/time.ts";
import { type FormEvent, useRef, useState } from "react";

import { api } from "../api/client.ts";
import type { PaymentRequest } from "../api/social.ts";
import type { PageOf } from "../api/types.ts";
import { makeNonce } from "../device.ts";
import { moved, useLoad } from "../load.ts";
import type { Intent } from "../money/acts.ts";
import { cny, Perform } from "../money/perform.tsx";
import { useAct } from "../parts/act.ts";
import { AmountField, Field, fenOf } from "../parts/fields.tsx";
import { Page } from "../parts/page.tsx";
import { type ChosenPayee, PayeeForm } from "../parts/payee.tsx";
import { Empty, Fault, Shown, Tip } from "../parts/tell.tsx";
import { go, goBack, Link } from "../router.tsx";
import { useSettings } from "../settings.tsx";
import { common } from "../texts/common.ts";
import { social } from "../texts/social.ts";
import { useWallets } from "../wallets.ts";
import { NoWallet } from "./pay.tsx";

export default function Requests({ rest }: { rest: string }) {
  if (rest === "new") return <New />;
  return rest === "" ? <All /> : <PayOne id={rest} />;
}

function All() {
  const { say } = useSettings();
  const got = useLoad<PageOf<PaymentRequest>>("/v1/wallet/payment-requests?direction=RECEIVED");
  const sent = useLoad<PageOf<PaymentRequest>>("/v1/wallet/payment-requests?direction=SENT");
  const { working, error, run } = useAct();
  const turn = (id: string, to: "decline" | "cancel") => void run(() => api(`/v1/wallet/payment-requests/${id}/${to}`, { method: "POST" }));
  const list = (items: readonly PaymentRequest[]) =>
    items.length === 0 ? (
      <p className="soft">{say(social.requestsNone)}</p>
    ) : (
      <ul className="list">
        {items.map((one) => (
          <li key={one.id}>
            <div className="cell">
              <span className="text">
                <span>{one.other_name}</span>
                <span className="sub">
                  {say(social[one.state])} · {shownTime(one.created_at, true).slice(5, 16)} {one.note ? `· ${one.note}` : ""}
                </span>
              </span>
              <strong>{shownMoney(one.amount)}</strong>
              {one.state === "PENDING" && one.direction === "RECEIVED" ? (
                <span className="row acts">
                  <button type="button" disabled={working} onClick={() => turn(one.id, "decline")}>
                    {say(social.requestDecline)}
                  </button>
                  <Link to={`/requests/${one.id}`} className="button primary">
                    {say(social.requestPay)}
                  </Link>
                </span>
              ) : null}
              {one.state === "PENDING" && one.direction === "SENT" ? (
                <span className="row acts">
                  <button type="button" disabled={working} onClick={() => turn(one.id, "cancel")}>
                    {say(social.requestCancel)}
                  </button>
                </span>
              ) : null}
            </div>
          </li>
        ))}
      </ul>
    );
  return (
    <Page title={say(social.requests)}>
      <Link to="/requests/new" className="button primary wide">
        {say(social.requestNew)}
      </Link>
      <Fault error={error} />
      <section className="part">
        <h2>{say(social.requestsGot)}</h2>
        <Shown of={got}>{({ items }) => list(items)}</Shown>
      </section>
      <section className="part">
        <h2>{say(social.requestsSent)}</h2>
        <Shown of={sent}>{({ items }) => list(items)}</Shown>
      </section>
    </Page>
  );
}

function New() {
  const { say } = useSettings();
  const wallets = useWallets();
  const [payer, setPayer] = useState<ChosenPayee | null>(null);
  const [typed, setTyped] = useState("");
  const [note, setNote] = useState("");
  const [tried, setTried] = useState(false);
  const [done, setDone] = useState(false);
  const [number] = useState(() => `Q-${makeNonce()}`);
  const { working, error, run } = useAct();
  const wallet = wallets.main;
  const fen = fenOf(typed);
  if (wallet === null) return <NoWallet loading={wallets.loading} error={wallets.error} />;
  if (payer === null) return <Page title={say(social.requestNew)} back="/requests" children={<PayeeForm onChosen={setPayer} />} />;
  if (done) {
    return (
      <Page title={say(social.requestNew)} back="/requests">
        <Tip kind="good" title={`✓ ${say(social.requestSent)}`} alert />
        <button type="button" className="primary wide" onClick={() => go("/requests", { instead: true })}>
          {say(common.done)}
        </button>
      </Page>
    );
  }
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (fen === null) return;
    const body = { out_request_no: number, payer: payer.payee, amount: cny(fen), to_wallet_id: wallet.wallet_id, ...(note.trim() === "" ? {} : { note: note.trim() }) };
    void run(() => api("/v1/wallet/payment-requests", { method: "POST", body })).then((good) => good && setDone(true));
  };
  return (
    <Page title={say(social.requestNew)} back={() => setPayer(null)}>
      <p className="lead center">{payer.name}</p>
      <form onSubmit={submit} noValidate>
        <AmountField label={say(social.requestAmount)} value={typed} onValue={setTyped} autoFocus fault={tried && fen === null ? say(common.amountFault) : null} />
        <Field label={say(social.requestNote)} value={note} onValue={setNote} maxLength={100} autoComplete="off" />
        <Fault error={error} />
        <button type="submit" className="primary wide" disabled={working}>
          {say(social.requestSend)}
        </button>
      </form>
    </Page>
  );
}

function PayOne({ id }: { id: string }) {
  const { say } = useSettings();
  const wallets = useWallets();
  // The words are kept from the first look: once it is paid, the sheet stays what it was.
  const loaded = useLoad<PaymentRequest>(`/v1/wallet/payment-requests/${encodeURIComponent(id)}`);
  const first = useRef<PaymentRequest | undefined>(undefined);
  first.current ??= loaded.value;
  const wallet = wallets.main;
  const request = first.current;
  if (wallet === null) return <NoWallet loading={wallets.loading} error={wallets.error} />;
  if (request === undefined || request.payee === undefined) return <Page title={say(social.requests)} back="/requests" children={<Shown of={loaded}>{() => <Empty>{say(social.requestsNone)}</Empty>}</Shown>} />;
  const intent: Intent = {
    what: "request",
    action: "transfer",
    payee: request.payee,
    subject: request.id,
    wallet: wallet.wallet_id,
    amount: request.amount,
    path: `/v1/wallet/payment-requests/${request.id}/pay`,
    body: { from_wallet_id: wallet.wallet_id },
    name: request.other_name,
    about: request.note ?? say(social.requests),
    pin: "always",
  };
  return <Perform intent={intent} title={say(social.requestPay)} walletName={wallet.name} onBack={() => (moved(), goBack("/requests"))} />;
}
