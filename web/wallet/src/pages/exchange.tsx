// Topping up and withdrawing: the two directions between a bank account and a wallet.

import { shownMoney } from "@shared/money.ts";
import { type FormEvent, useState } from "react";

import type { BankLink, Institution, Level, PageOf, Profile } from "../api/types.ts";
import { makeNonce } from "../device.ts";
import { useLoad } from "../load.ts";
import type { Intent } from "../money/acts.ts";
import { cny, Perform } from "../money/perform.tsx";
import { AmountField, fenOf } from "../parts/fields.tsx";
import { Page } from "../parts/page.tsx";
import { Shown, Tip } from "../parts/tell.tsx";
import { WalletChoice } from "../parts/wallet-choice.tsx";
import { Link, usePath } from "../router.tsx";
import { useSettings } from "../settings.tsx";
import { common } from "../texts/common.ts";
import { moving } from "../texts/moving.ts";
import { useWallets } from "../wallets.ts";
import { NoWallet } from "./pay.tsx";

export default function Exchange() {
  const { say } = useSettings();
  const direction = usePath().startsWith("/topup") ? "top_up" : "withdraw";
  const title = say(direction === "top_up" ? moving.topup : moving.withdraw);
  const links = useLoad<PageOf<BankLink>>("/v1/wallet/links");
  const profile = useLoad<Profile>("/v1/wallet/me");
  const signed = links.value?.items.filter((link) => link.state === "SIGNED") ?? [];
  if (signed.length > 0) return <Form key={direction} direction={direction} links={signed} title={title} />;
  return (
    <Page title={title}>
      <Shown of={links}>{() => <Shown of={profile}>{(me) => <NoLink level={me.level} />}</Shown>}</Shown>
    </Page>
  );
}

function NoLink({ level }: { level: Level }) {
  const { say } = useSettings();
  if (level === "ANONYMOUS") {
    return (
      <>
        <Tip title={say(moving.needIdentity)} children={say(moving.needIdentityHow)} />
        <Link to="/identity" className="button primary wide">
          {say(moving.goIdentity)}
        </Link>
      </>
    );
  }
  return (
    <>
      <Tip title={say(moving.noLink)} children={say(moving.noLinkHow)} />
      <Link to="/links/new" className="button primary wide">
        {say(moving.link)}
      </Link>
    </>
  );
}

export function useBankName(): (code: string) => string {
  const { language } = useSettings();
  const banks = useLoad<PageOf<Institution>>("/v1/public/institutions", { keepIt: true });
  return (code) => {
    const bank = banks.value?.items.find((one) => one.code === code);
    return bank === undefined ? code : language === "zh" ? bank.name_zh : bank.name_en;
  };
}

function Form({ direction, links, title }: { direction: "top_up" | "withdraw"; links: readonly BankLink[]; title: string }) {
  const { say } = useSettings();
  const wallets = useWallets();
  const bankName = useBankName();
  const [linkId, setLinkId] = useState(links[0]?.link_id ?? "");
  const [typed, setTyped] = useState("");
  const [tried, setTried] = useState(false);
  const [confirming, setConfirming] = useState(false);
  const [number, setNumber] = useState(() => `${direction === "top_up" ? "T" : "W"}-${makeNonce()}`);
  const wallet = wallets.main;
  const link = links.find((one) => one.link_id === linkId) ?? links[0];
  const fen = fenOf(typed);
  if (wallet === null || link === undefined) return <NoWallet loading={wallets.loading} error={wallets.error} />;
  const linkName = `${bankName(link.institution)} ${link.account_mask}`;
  if (confirming && fen !== null) {
    const up = direction === "top_up";
    const intent: Intent = {
      what: direction,
      action: direction,
      payee: up ? wallet.wallet_id : link.link_id,
      subject: number,
      wallet: wallet.wallet_id,
      amount: cny(fen),
      path: up ? "/v1/wallet/topups" : "/v1/wallet/withdrawals",
      body: { [up ? "out_topup_no" : "out_withdrawal_no"]: number, link_id: link.link_id, wallet_id: wallet.wallet_id, amount: cny(fen) },
      name: up ? wallet.name : linkName,
      about: up ? `${say(moving.topup)} · ${linkName}` : say(moving.withdraw),
      pin: "always",
    };
    return <Perform intent={intent} title={title} walletName={wallet.name} onBack={() => setConfirming(false)} onRenew={() => setNumber(`${direction === "top_up" ? "T" : "W"}-${makeNonce()}`)} />;
  }
  const room = wallet.limits.balance?.left;
  const next = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (fen !== null) setConfirming(true);
  };
  return (
    <Page title={title} end={<Link to={`/exchange/${direction}`}>{say(moving.progress)}</Link>}>
      <form onSubmit={next} noValidate>
        <div className="field">
          <label htmlFor="link">{say(direction === "top_up" ? moving.from : moving.toCard)}</label>
          <select id="link" value={link.link_id} onChange={(event) => setLinkId(event.target.value)}>
            {links.map((one) => (
              <option key={one.link_id} value={one.link_id}>
                {bankName(one.institution)} {one.account_mask}
              </option>
            ))}
          </select>
        </div>
        <WalletChoice label={say(direction === "top_up" ? moving.intoWallet : moving.outOf)} wallets={wallets.items} value={wallet} onValue={wallets.choose} />
        <AmountField
          label={say(direction === "top_up" ? moving.topupAmount : moving.withdrawAmount)}
          value={typed}
          onValue={setTyped}
          autoFocus
          fault={tried && fen === null ? say(common.amountFault) : null}
          hint={direction === "top_up" ? (room ? say(moving.room, { amount: shownMoney(room) }) : undefined) : say(moving.can, { amount: shownMoney(wallet.available) })}
        />
        {direction === "withdraw" && wallet.available.amount > 0 ? (
          <button type="button" onClick={() => setTyped((wallet.available.amount / 100).toFixed(2))}>
            {say(moving.everything)}
          </button>
        ) : null}
        <button type="submit" className="primary wide">
          {say(common.next)}
        </button>
        <Link to="/links">{say(moving.links)}</Link>
      </form>
    </Page>
  );
}
