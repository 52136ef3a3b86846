// Recurring debits: agreements one approved, and one that is proposed: `/debits/dag_…`.

import { shownMoney } from "@shared/money.ts";
import { shownTime } from "@shared/time.ts";
import { useState } from "react";

import { api } from "../api/client.ts";
import type { DebitAgreement, PageOf } from "../api/types.ts";
import { useLoad } from "../load.ts";
import type { Intent } from "../money/acts.ts";
import { Fact, Perform } from "../money/perform.tsx";
import { useAct } from "../parts/act.ts";
import { Page } from "../parts/page.tsx";
import { Sure } from "../parts/sure.tsx";
import { Empty, Fault, Shown } from "../parts/tell.tsx";
import { Link } from "../router.tsx";
import { useSettings } from "../settings.tsx";
import { common } from "../texts/common.ts";
import { debitStates, periods, safe } from "../texts/safe.ts";
import { useWallets } from "../wallets.ts";

export default function Debits({ rest }: { rest: string }) {
  return rest === "" ? <All /> : <One id={rest} />;
}

function useName(): (of: DebitAgreement) => string {
  const { language } = useSettings();
  return (of) => (language === "zh" ? of.merchant_name_zh : of.merchant_name_en);
}

function All() {
  const { say } = useSettings();
  const name = useName();
  const list = useLoad<PageOf<DebitAgreement>>("/v1/wallet/debit-agreements");
  return (
    <Page title={say(safe.debits)} back="/me">
      <Shown of={list}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty icon="bills">{say(safe.debitsNone)}</Empty>
          ) : (
            <ul className="list">
              {items.map((one) => (
                <li key={one.agreement.id}>
                  <Link to={`/debits/${one.agreement.id}`} className="go">
                    <span className="text">
                      <span>{name(one)}</span>
                      <span className="sub">{one.agreement.description}</span>
                    </span>
                    <span className="badge">{say(debitStates[one.agreement.state] ?? common.state)}</span>
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
  const name = useName();
  const wallets = useWallets();
  const path = `/v1/wallet/debit-agreements/${encodeURIComponent(id)}`;
  const loaded = useLoad<DebitAgreement>(path);
  const [agreeing, setAgreeing] = useState(false);
  const { working, error, run } = useAct();
  const of = loaded.value;
  const wallet = wallets.main;
  if (agreeing && of !== undefined && wallet !== null) {
    const intent: Intent = {
      what: "debit_agreement",
      action: "debit_agreement",
      payee: of.agreement.merchant_id,
      subject: of.subject,
      wallet: wallet.wallet_id,
      amount: of.agreement.max_amount,
      path: `${path}/approve`,
      body: { wallet_id: wallet.wallet_id },
      name: name(of),
      about: say(safe.debitAbout, { what: of.agreement.description }),
      pin: "always",
    };
    return <Perform intent={intent} title={say(safe.debits)} walletName={wallet.name} onBack={() => setAgreeing(false)} />;
  }
  return (
    <Page title={say(safe.debits)} back="/debits">
      <Fault error={error} />
      <Shown of={loaded}>
        {(one) => (
          <>
            <p className="lead center">{name(one)}</p>
            <p className="center soft">{one.agreement.description}</p>
            <section className="card">
              <dl className="facts">
                <Fact name={say(common.state)} value={say(debitStates[one.agreement.state] ?? common.state)} />
                <Fact name={say(safe.debitMost)} value={shownMoney(one.agreement.max_amount)} />
                <Fact name={say(common.time)} value={say(safe.debitCount, { period: say(periods[one.agreement.period]), n: one.agreement.max_count })} />
                <Fact name={say(safe.debitUntil)} value={shownTime(one.agreement.valid_until, true).slice(0, 10)} />
              </dl>
              <p className="note">{say(safe.debitNotice, { n: one.notice_days })}</p>
            </section>
            {one.agreement.state === "PROPOSED" ? (
              <>
                <button type="button" className="primary wide" onClick={() => setAgreeing(true)}>
                  {say(common.next)}
                </button>
                <button type="button" className="danger wide" disabled={working} onClick={() => void run(() => api(`${path}/refuse`, { method: "POST" }))}>
                  {say(safe.debitRefuse)}
                </button>
              </>
            ) : null}
            {one.agreement.state === "ACTIVE" ? <Sure ask={say(safe.debitCancel)} sure={say(safe.revokeSure)} disabled={working} onSure={() => void run(() => api(`${path}/cancel`, { method: "POST" }))} /> : null}
          </>
        )}
      </Shown>
    </Page>
  );
}
