// Sub-wallets: limits pushed to merchants. `/mandates/new`, `/mandates/man_…`.

import { shownMoney } from "@shared/money.ts";
import { type FormEvent, useState } from "react";

import { api } from "../api/client.ts";
import type { Mandate, PageOf } from "../api/types.ts";
import { useLoad } from "../load.ts";
import type { Intent } from "../money/acts.ts";
import { cny, Fact, Perform } from "../money/perform.tsx";
import { useAct } from "../parts/act.ts";
import { AmountField, Field, fenOf } from "../parts/fields.tsx";
import { Page } from "../parts/page.tsx";
import { Sure } from "../parts/sure.tsx";
import { Empty, Fault, Shown } from "../parts/tell.tsx";
import { WalletChoice } from "../parts/wallet-choice.tsx";
import { Link } from "../router.tsx";
import { useSettings } from "../settings.tsx";
import { acting } from "../texts/acting.ts";
import { common } from "../texts/common.ts";
import { mandateStates, safe } from "../texts/safe.ts";
import { useWallets } from "../wallets.ts";
import { NoWallet } from "./pay.tsx";

export default function Mandates({ rest }: { rest: string }) {
  if (rest === "new") return <New />;
  return rest === "" ? <All /> : <One id={rest} />;
}

function useName(): (mandate: Mandate) => string {
  const { language } = useSettings();
  return (mandate) => (language === "zh" ? mandate.merchant_name_zh : mandate.merchant_name_en);
}

function All() {
  const { say } = useSettings();
  const name = useName();
  const list = useLoad<PageOf<Mandate>>("/v1/wallet/mandates");
  return (
    <Page title={say(safe.mandates)}>
      <p className="soft">{say(safe.mandatesHow)}</p>
      <Shown of={list}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty icon="subwallet">{say(safe.mandatesNone)}</Empty>
          ) : (
            <ul className="list">
              {items.map((mandate) => (
                <li key={mandate.id}>
                  <Link to={`/mandates/${mandate.id}`} className="go">
                    <span className="text">
                      <span>{name(mandate)}</span>
                      <span className="sub">{say(safe.mandatePaid, { paid: shownMoney(mandate.paid_today), day: shownMoney(mandate.day) })}</span>
                    </span>
                    <span className={`badge ${mandate.state === "ACTIVE" ? "good" : ""}`}>{say(mandateStates[mandate.state])}</span>
                  </Link>
                </li>
              ))}
            </ul>
          )
        }
      </Shown>
      <Link to="/mandates/new" className="button primary wide">
        {say(safe.mandateNew)}
      </Link>
    </Page>
  );
}

function One({ id }: { id: string }) {
  const { say } = useSettings();
  const name = useName();
  const path = `/v1/wallet/mandates/${encodeURIComponent(id)}`;
  const loaded = useLoad<Mandate>(path);
  const { working, error, run } = useAct();
  const turn = (to: "pause" | "resume" | "revoke") => void run(() => api(`${path}/${to}`, { method: "POST" }));
  return (
    <Page title={say(safe.mandates)} back="/mandates">
      <Fault error={error} />
      <Shown of={loaded}>
        {(mandate) => (
          <>
            <p className="lead center">{name(mandate)}</p>
            <section className="card">
              <dl className="facts">
                <Fact name={say(common.state)} value={say(mandateStates[mandate.state])} />
                <Fact name={say(safe.mandateSingle)} value={shownMoney(mandate.single)} />
                <Fact name={say(safe.mandateDay)} value={shownMoney(mandate.day)} />
                <Fact name={say(safe.history)} value={say(safe.mandatePaid, { paid: shownMoney(mandate.paid_today), day: shownMoney(mandate.day) })} />
                <Fact name="ID" value={<span className="mono">{mandate.merchant_id}</span>} />
              </dl>
            </section>
            {mandate.state === "ACTIVE" ? (
              <button type="button" className="wide" disabled={working} onClick={() => turn("pause")}>
                {say(safe.pause)}
              </button>
            ) : null}
            {mandate.state === "PAUSED" ? (
              <button type="button" className="primary wide" disabled={working} onClick={() => turn("resume")}>
                {say(safe.resume)}
              </button>
            ) : null}
            {mandate.state === "REVOKED" ? null : <Sure ask={say(safe.revoke)} sure={say(safe.revokeSure)} disabled={working} onSure={() => turn("revoke")} />}
          </>
        )}
      </Shown>
    </Page>
  );
}

function New() {
  const { say } = useSettings();
  const wallets = useWallets();
  const [merchant, setMerchant] = useState("");
  const [single, setSingle] = useState("");
  const [day, setDay] = useState("");
  const [tried, setTried] = useState(false);
  const [confirming, setConfirming] = useState(false);
  const wallet = wallets.main;
  const id = merchant.trim();
  const [one, all] = [fenOf(single), fenOf(day)];
  const goodId = /^mch_[0-9a-z]{26}$/.test(id);
  const fits = one !== null && all !== null && one <= all;
  if (wallet === null) return <NoWallet loading={wallets.loading} error={wallets.error} />;
  if (confirming && fits) {
    const intent: Intent = {
      what: "mandate",
      action: "mandate",
      payee: id,
      subject: `single:${one}`,
      wallet: wallet.wallet_id,
      amount: cny(all),
      path: "/v1/wallet/mandates",
      body: { merchant_id: id, wallet_id: wallet.wallet_id, single: cny(one), day: cny(all) },
      name: id,
      about: `${say(safe.mandateSingle)} ${shownMoney(cny(one))} · ${say(safe.mandateDay)} ${shownMoney(cny(all))}`,
      pin: "always",
    };
    return <Perform intent={intent} title={say(safe.mandateNew)} walletName={wallet.name} onBack={() => setConfirming(false)} />;
  }
  const next = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (goodId && fits) setConfirming(true);
  };
  return (
    <Page title={say(safe.mandateNew)} back="/mandates">
      <form onSubmit={next} noValidate>
        <Field label={say(safe.mandateMerchant)} value={merchant} onValue={setMerchant} maxLength={40} autoComplete="off" fault={tried && !goodId ? say(safe.mandateMerchantFault) : null} hint={say(safe.mandateMerchantHow)} />
        <AmountField label={say(safe.mandateSingle)} value={single} onValue={setSingle} fault={tried && one === null ? say(common.amountFault) : null} />
        <AmountField label={say(safe.mandateDay)} value={day} onValue={setDay} fault={tried && all === null ? say(common.amountFault) : tried && !fits ? say(safe.mandateLimits) : null} />
        <WalletChoice label={say(acting.wallet)} wallets={wallets.items} value={wallet} onValue={wallets.choose} />
        <button type="submit" className="primary wide">
          {say(common.next)}
        </button>
      </form>
    </Page>
  );
}
