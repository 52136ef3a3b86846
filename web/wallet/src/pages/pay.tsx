// Paying a merchant: what was scanned is read by the platform, then confirmed.
//
// `/pay?code=…` holds a scanned text, `/pay?cashier=…` a cashier's token, `/pay/ord_…` an order.

import { shownMoney } from "@shared/money.ts";
import { shownTime } from "@shared/time.ts";
import { type FormEvent, useEffect, useState } from "react";

import { api } from "../api/client.ts";
import type { PayerOrder, Place } from "../api/types.ts";
import type { Intent } from "../money/acts.ts";
import { cny, Perform } from "../money/perform.tsx";
import { AmountField, fenOf } from "../parts/fields.tsx";
import { Page } from "../parts/page.tsx";
import { Busy, Fault, Tip } from "../parts/tell.tsx";
import { WalletChoice } from "../parts/wallet-choice.tsx";
import { go, goBack, Link, useSearch } from "../router.tsx";
import { useSettings } from "../settings.tsx";
import { acting } from "../texts/acting.ts";
import { common } from "../texts/common.ts";
import { home } from "../texts/home.ts";
import { pay } from "../texts/pay.ts";
import { useWallets } from "../wallets.ts";

type Scanned = PayerOrder | Place;
type Via = "CAMERA" | "IMAGE" | "LINK";

function isPlace(scanned: Scanned): scanned is Place {
  return "static_code_id" in scanned;
}

async function read(order: string, code: string | null, cashier: string | null): Promise<Scanned> {
  if (order !== "") return api<PayerOrder>(`/v1/wallet/orders/${encodeURIComponent(order)}`);
  let payload = code;
  if (cashier !== null) {
    const shown = await api<{ qr_code?: string; order_id: string }>(`/v1/public/cashier/${encodeURIComponent(cashier)}`);
    if (!shown.qr_code) return api<PayerOrder>(`/v1/wallet/orders/${shown.order_id}`);
    payload = shown.qr_code;
  }
  return api<Scanned>("/v1/wallet/scans", { method: "POST", body: { payload: payload ?? "" } });
}

export default function Pay({ rest }: { rest: string }) {
  const { say } = useSettings();
  const search = useSearch();
  const [code, cashier] = [search.get("code"), search.get("cashier")];
  const asked = search.get("via");
  const via: Via = asked === "CAMERA" || asked === "IMAGE" ? asked : "LINK";
  const [scanned, setScanned] = useState<Scanned | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [tries, setTries] = useState(0);
  useEffect(() => {
    let current = true;
    setError(null);
    read(rest, code, cashier).then(
      (found) => current && setScanned(found),
      (problem: unknown) => current && setError(problem),
    );
    return () => {
      current = false;
    };
  }, [rest, code, cashier, tries]);
  if (error) return <Page title={say(pay.title)} children={<Fault error={error} again={() => setTries(tries + 1)} />} />;
  if (scanned === null) return <Page title={say(pay.title)} children={<Busy />} />;
  return isPlace(scanned) ? <PayPlace place={scanned} /> : <PayOrder order={scanned} via={rest === "" ? via : null} />;
}

function useMerchantName(): (of: { merchant_name_zh: string; merchant_name_en: string; store_name?: string | null }) => string {
  const { language } = useSettings();
  return (of) => `${language === "zh" ? of.merchant_name_zh : of.merchant_name_en}${of.store_name ? ` · ${of.store_name}` : ""}`;
}

function PayOrder({ order, via }: { order: PayerOrder; via: Via | null }) {
  const { say } = useSettings();
  const wallets = useWallets();
  const name = useMerchantName()(order);
  // A charged code is paid from the wallet whose code it was.
  const wallet = wallets.items.find((one) => one.wallet_id === order.wallet_id) ?? wallets.main;
  if (order.state !== "NOTPAY" && order.state !== "USERPAYING" && order.state !== "PAYERROR") {
    return (
      <Page title={say(pay.title)}>
        <p className="center">{name}</p>
        <p className="sum">{shownMoney(order.amount)}</p>
        <Tip kind={order.state === "SUCCESS" ? "good" : "warn"} title={say(order.state === "SUCCESS" ? pay.alreadyPaid : pay.closed)}>
          {order.transaction_id ? <Link to={`/record/${order.transaction_id}?of=${order.wallet_id ?? ""}`}>{say(acting.receipt)}</Link> : null}
        </Tip>
        <Link to="/" className="button wide">
          {say(common.toHome)}
        </Link>
      </Page>
    );
  }
  if (wallet === null) return <NoWallet loading={wallets.loading} error={wallets.error} />;
  const intent: Intent = {
    what: "pay",
    action: "pay",
    payee: order.merchant_id,
    subject: order.id,
    wallet: wallet.wallet_id,
    amount: order.amount,
    path: `/v1/wallet/orders/${order.id}/payments`,
    body: { wallet_id: wallet.wallet_id, amount: order.amount, ...(via === null ? {} : { via }) },
    name,
    about: order.description,
    pin: order.state === "USERPAYING" ? "always" : "asked",
  };
  return (
    <Perform intent={intent} title={say(pay.title)} walletName={wallet.name} onBack={() => goBack("/")}>
      {order.wallet_id ? null : <WalletChoice label={say(pay.payFrom)} wallets={wallets.items} value={wallet} onValue={wallets.choose} />}
      {via === "IMAGE" ? <Tip kind="warn">{say(pay.pictureHow)}</Tip> : null}
      <p className="note center">{say(pay.expires, { at: shownTime(order.expires_at) })}</p>
    </Perform>
  );
}

function PayPlace({ place }: { place: Place }) {
  const { say } = useSettings();
  const wallets = useWallets();
  const name = useMerchantName()(place);
  const [typed, setTyped] = useState("");
  const [tried, setTried] = useState(false);
  const [confirming, setConfirming] = useState(false);
  const fen = fenOf(typed);
  const wallet = wallets.main;
  if (wallet === null) return <NoWallet loading={wallets.loading} error={wallets.error} />;
  if (confirming && fen !== null) {
    const intent: Intent = {
      what: "pay_static",
      action: "pay_static",
      payee: place.merchant_id,
      subject: place.static_code_id,
      wallet: wallet.wallet_id,
      amount: cny(fen),
      path: `/v1/wallet/static-codes/${place.static_code_id}/payments`,
      body: { wallet_id: wallet.wallet_id, amount: cny(fen) },
      name,
      about: place.description,
      pin: "asked",
    };
    return <Perform intent={intent} title={say(pay.title)} walletName={wallet.name} onBack={() => setConfirming(false)} />;
  }
  const next = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (fen !== null) setConfirming(true);
  };
  return (
    <Page title={say(pay.title)}>
      <p className="lead center">{name}</p>
      <p className="center soft">{place.description}</p>
      <form onSubmit={next} noValidate>
        <AmountField
          label={say(pay.typeAmount)}
          value={typed}
          onValue={setTyped}
          autoFocus
          fault={tried && fen === null ? say(common.amountFault) : null}
          hint={place.left_today ? say(pay.leftStatic, { left: shownMoney(place.left_today) }) : undefined}
        />
        <WalletChoice label={say(pay.payFrom)} wallets={wallets.items} value={wallet} onValue={wallets.choose} />
        <button type="submit" className="primary wide">
          {say(common.next)}
        </button>
      </form>
    </Page>
  );
}

/** Shown where money is to move and there is no wallet, or it is not known yet. */
export function NoWallet({ loading, error }: { loading: boolean; error: unknown }) {
  const { say } = useSettings();
  return (
    <Page title={say(common.wallet)}>
      {loading ? <Busy /> : error ? <Fault error={error} /> : (
        <Tip title={say(home.noWallet)}>
          <button type="button" className="primary" onClick={() => go("/begin")}>
            {say(home.openWallet)}
          </button>
        </Tip>
      )}
    </Page>
  );
}
