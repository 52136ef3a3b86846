// Split bills: those there are, and a new one. `/splits/new`, `/splits/bsp_…`.

import { shownMoney } from "@shared/money.ts";
import { type FormEvent, useState } from "react";

import { api } from "../api/client.ts";
import type { BillSplit } from "../api/social.ts";
import type { PageOf } from "../api/types.ts";
import { makeNonce } from "../device.ts";
import { useLoad } from "../load.ts";
import { cny } from "../money/perform.tsx";
import { splitEvenly } from "../money/shares.ts";
import { useAct } from "../parts/act.ts";
import { AmountField, Field, fenOf } from "../parts/fields.tsx";
import { Page } from "../parts/page.tsx";
import { type ChosenPayee, PayeeForm } from "../parts/payee.tsx";
import { Sure } from "../parts/sure.tsx";
import { Empty, Fault, Shown, Tip } from "../parts/tell.tsx";
import { go, Link } from "../router.tsx";
import { useSettings } from "../settings.tsx";
import { common } from "../texts/common.ts";
import { safe } from "../texts/safe.ts";
import { social } from "../texts/social.ts";
import { useWallets } from "../wallets.ts";
import { NoWallet } from "./pay.tsx";

/** The most people that one bill is split among. */
const MOST = 30;

export default function Splits({ rest }: { rest: string }) {
  if (rest === "new") return <New />;
  return rest === "" ? <All /> : <One id={rest} />;
}

function All() {
  const { say } = useSettings();
  const list = useLoad<PageOf<BillSplit>>("/v1/wallet/bill-splits");
  return (
    <Page title={say(social.splits)}>
      <Link to="/splits/new" className="button primary wide">
        {say(social.splitNew)}
      </Link>
      <Shown of={list}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty icon="split">{say(social.splitsNone)}</Empty>
          ) : (
            <ul className="list">
              {items.map((split) => (
                <li key={split.id}>
                  <Link to={`/splits/${split.id}`} className="go">
                    <span className="text">
                      <span>{split.title}</span>
                      <span className="sub">{say(social.splitState, { n: split.paid_count, of: split.count, amount: shownMoney(split.paid) })}</span>
                    </span>
                    <strong>{shownMoney(split.total)}</strong>
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

function One({ id }: { id: string }) {
  const { say } = useSettings();
  const path = `/v1/wallet/bill-splits/${encodeURIComponent(id)}`;
  const loaded = useLoad<BillSplit>(path);
  const { working, error, run } = useAct();
  return (
    <Page title={say(social.splits)} back="/splits">
      <Fault error={error} />
      <Shown of={loaded}>
        {(split) => (
          <>
            <p className="lead center">{split.title}</p>
            <p className="sum">{shownMoney(split.total)}</p>
            <p className="center soft">{split.state === "DONE" ? say(social.splitDone) : say(social.splitState, { n: split.paid_count, of: split.count, amount: shownMoney(split.paid) })}</p>
            <ul className="list">
              {split.requests.map((request) => (
                <li key={request.id}>
                  <div className="cell">
                    <span className="text">
                      <span>{request.other_name}</span>
                      <span className="sub">{say(social[request.state])}</span>
                    </span>
                    <strong>{shownMoney(request.amount)}</strong>
                  </div>
                </li>
              ))}
            </ul>
            {split.state === "OPEN" ? <Sure ask={say(social.splitCancel)} sure={say(social.splitCancelSure)} disabled={working} onSure={() => void run(() => api(`${path}/cancel`, { method: "POST" }))} /> : null}
          </>
        )}
      </Shown>
    </Page>
  );
}

function New() {
  const { say } = useSettings();
  const wallets = useWallets();
  const [title, setTitle] = useState("");
  const [typed, setTyped] = useState("");
  const [people, setPeople] = useState<readonly ChosenPayee[]>([]);
  const [adding, setAdding] = useState(false);
  const [tried, setTried] = useState(false);
  const [number] = useState(() => `S-${makeNonce()}`);
  const { working, error, run } = useAct();
  const wallet = wallets.main;
  const fen = fenOf(typed);
  if (wallet === null) return <NoWallet loading={wallets.loading} error={wallets.error} />;
  if (adding) {
    const chosen = (payee: ChosenPayee) => {
      setPeople([...people.filter((one) => one.by !== payee.by), payee]);
      setAdding(false);
    };
    return <Page title={say(social.splitAdd)} back={() => setAdding(false)} children={<PayeeForm onChosen={chosen} />} />;
  }
  const shares = fen === null || people.length === 0 ? null : splitEvenly(fen, people.length);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (fen === null || shares === null || shares.each === 0 || title.trim() === "") return;
    const body = { out_split_no: number, title: title.trim(), to_wallet_id: wallet.wallet_id, total: cny(fen), shares: people.map((one) => ({ payer: one.payee, amount: cny(shares.each) })) };
    void run(async () => {
      const split = await api<BillSplit>("/v1/wallet/bill-splits", { method: "POST", body });
      go(`/splits/${split.id}`, { instead: true });
    });
  };
  return (
    <Page title={say(social.splitNew)} back="/splits">
      <form onSubmit={submit} noValidate>
        <Field label={say(social.splitTitle)} value={title} onValue={setTitle} maxLength={50} autoComplete="off" fault={tried && title.trim() === "" ? say(social.ticketTextFault) : null} />
        <AmountField label={say(social.splitTotal)} value={typed} onValue={setTyped} fault={tried && fen === null ? say(common.amountFault) : null} />
        <section className="part">
          <h2>{say(social.splitPeople)}</h2>
          {people.length === 0 ? (
            tried ? <Tip kind="bad" title={say(social.splitNobody)} alert /> : null
          ) : (
            <ul className="list">
              {people.map((one) => (
                <li key={one.by}>
                  <div className="cell">
                    <span className="text">{one.name}</span>
                    <button type="button" onClick={() => setPeople(people.filter((other) => other !== one))}>
                      {say(safe.remove)}
                    </button>
                  </div>
                </li>
              ))}
            </ul>
          )}
          <button type="button" disabled={people.length >= MOST} onClick={() => setAdding(true)}>
            {say(social.splitAdd)}
          </button>
        </section>
        {shares === null ? null : <Tip title={say(social.splitEach, { each: shownMoney(cny(shares.each)), own: shownMoney(cny(shares.own)) })} />}
        <Fault error={error} />
        <button type="submit" className="primary wide" disabled={working}>
          {say(social.splitSend)}
        </button>
      </form>
    </Page>
  );
}
