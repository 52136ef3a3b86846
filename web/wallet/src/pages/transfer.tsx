// Sending money to a person. `/to/wal_…?amount=…` is somebody's personal code.

import { shownMoney } from "@shared/money.ts";
import { type FormEvent, useEffect, useState } from "react";

import { makeNonce } from "../device.ts";
import { useFeature } from "../features.ts";
import type { Intent, Made } from "../money/acts.ts";
import { knownPayees, remember } from "../money/payees.ts";
import { fenIn } from "../money/payload.ts";
import { cny, Perform } from "../money/perform.tsx";
import { AmountField, Field, fenOf, Switch } from "../parts/fields.tsx";
import { Page } from "../parts/page.tsx";
import { type ChosenPayee, PayeeForm, walletPayee } from "../parts/payee.tsx";
import { Busy, Tip } from "../parts/tell.tsx";
import { WalletChoice } from "../parts/wallet-choice.tsx";
import { goBack, Link, useSearch } from "../router.tsx";
import { useSettings } from "../settings.tsx";
import { acting } from "../texts/acting.ts";
import { common } from "../texts/common.ts";
import { moving } from "../texts/moving.ts";
import { useWallets } from "../wallets.ts";
import { NoWallet } from "./pay.tsx";

export default function Transfer({ rest }: { rest: string }) {
  const { say } = useSettings();
  const wallets = useWallets();
  const asked = fenIn(useSearch().get("amount"));
  const [payee, setPayee] = useState<ChosenPayee | null>(null);
  const linked = /^wal_[0-9a-z]{26}$/.test(rest);
  useEffect(() => {
    if (!linked) return;
    void knownPayees().catch(() => []).then((known) => setPayee(walletPayee(rest, known, say(moving.nameless, { id: rest.slice(-6) }))));
  }, [linked, rest, say]);
  if (wallets.main === null) return <NoWallet loading={wallets.loading} error={wallets.error} />;
  if (payee !== null) return <Amount key={payee.payee} payee={payee} asked={asked} onBack={() => (linked ? goBack("/") : setPayee(null))} />;
  return (
    <Page title={say(moving.transfer)} end={<Link to="/transfers">{say(moving.records)}</Link>}>
      {linked ? <Busy /> : <PayeeForm onChosen={setPayee} />}
    </Page>
  );
}

function Amount({ payee, asked, onBack }: { payee: ChosenPayee; asked: number | null; onBack: () => void }) {
  const { say } = useSettings();
  const wallets = useWallets();
  const [typed, setTyped] = useState(asked === null ? "" : (asked / 100).toFixed(2));
  const [note, setNote] = useState("");
  const [sure, setSure] = useState(false);
  const [delayed, setDelayed] = useState(false);
  const [tried, setTried] = useState(false);
  const [confirming, setConfirming] = useState(false);
  // The number of this transfer: made before the first try, new only for a new transfer.
  const [number, setNumber] = useState(() => `W-${makeNonce()}`);
  const delays = useFeature("delays");
  const wallet = wallets.main;
  const fen = fenOf(typed);
  if (wallet === null) return <NoWallet loading={wallets.loading} error={wallets.error} />;
  if (wallets.items.some((one) => one.wallet_id === payee.payee)) {
    return (
      <Page title={say(moving.transfer)} back={onBack}>
        <Tip kind="warn" title={say(moving.self)} />
      </Page>
    );
  }
  if (confirming && fen !== null) {
    const what = delayed ? "transfer_delayed" : "transfer";
    const intent: Intent = {
      what,
      action: what,
      payee: payee.payee,
      subject: number,
      wallet: wallet.wallet_id,
      amount: cny(fen),
      path: "/v1/wallet/transfers",
      body: { out_transfer_no: number, from_wallet_id: wallet.wallet_id, payee: payee.payee, amount: cny(fen), ...(note.trim() === "" ? {} : { note: note.trim() }), ...(delayed ? { delay: "24h" } : {}) },
      name: payee.name,
      about: note.trim() === "" ? say(moving.about) : note.trim(),
      pin: "always",
    };
    const after = (made: Made) => <Remembered payee={payee} name={(made.answer as { payee_name?: string }).payee_name ?? payee.name} />;
    return (
      <Perform intent={intent} title={say(moving.transfer)} walletName={wallet.name} onBack={() => setConfirming(false)} onRenew={() => setNumber(`W-${makeNonce()}`)} after={after}>
        {payee.known ? null : <Tip kind="warn" title={say(acting.fresh)} children={say(acting.freshHow)} />}
      </Perform>
    );
  }
  const next = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (fen !== null && (payee.known || sure)) setConfirming(true);
  };
  return (
    <Page title={say(moving.transfer)} back={onBack}>
      <p className="lead center">{payee.name}</p>
      <form onSubmit={next} noValidate>
        <AmountField label={say(moving.amount)} value={typed} onValue={setTyped} autoFocus fault={tried && fen === null ? say(common.amountFault) : null} hint={say(moving.can, { amount: shownMoney(wallet.available) })} />
        <WalletChoice label={say(acting.wallet)} wallets={wallets.items} value={wallet} onValue={wallets.choose} />
        <Field label={say(moving.note)} value={note} onValue={setNote} maxLength={100} autoComplete="off" />
        {payee.known ? null : (
          <div className="field">
            <Switch label={say(moving.nameCheck, { name: payee.name })} checked={sure} onChange={setSure} />
            {tried && !sure ? (
              <span className="fault" role="alert">
                {say(moving.nameCheckFault)}
              </span>
            ) : null}
          </div>
        )}
        {delays === true ? (
          <div className="field">
            <Switch label={say(moving.delay)} checked={delayed} onChange={setDelayed} />
            {payee.known ? null : <span className="note">{say(moving.delayHow)}</span>}
          </div>
        ) : null}
        <button type="submit" className="primary wide">
          {say(common.next)}
        </button>
      </form>
    </Page>
  );
}

/** Notes whom money went to, once it did. */
function Remembered({ payee, name }: { payee: ChosenPayee; name: string }) {
  useEffect(() => {
    void remember({ by: payee.by, name, at: Date.now() }).catch(() => {});
  }, [payee.by, name]);
  return null;
}
