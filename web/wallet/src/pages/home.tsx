// Home: what there is, and the ways to pay, two taps away.

import { shownMoney } from "@shared/money.ts";
import { useEffect, useState } from "react";

import type { Movement, PageOf, PayerOrder, Wallet } from "../api/types.ts";
import { type Feature, useFeature } from "../features.ts";
import { useLoad } from "../load.ts";
import { unfinished } from "../money/acts.ts";
import { Icon, type IconName } from "../parts/icons.tsx";
import { Movements } from "../parts/movements.tsx";
import { useTitle } from "../parts/page.tsx";
import { Busy, Fault, Shown, Tip } from "../parts/tell.tsx";
import { Link } from "../router.tsx";
import { useSession, useSigned } from "../session.tsx";
import { useSettings } from "../settings.tsx";
import { classes, common, walletStates } from "../texts/common.ts";
import { home } from "../texts/home.ts";
import { look } from "../texts/look.ts";
import { useWallets } from "../wallets.ts";

export default function Home() {
  const { say, elder, change } = useSettings();
  const { signed } = useSession();
  const wallets = useWallets();
  useTitle(say(common.name));
  const main = wallets.main;
  return (
    <main id="main" className="flush" tabIndex={-1}>
      <section className="hero">
        <div className="top">
          <h1>{say(common.name)}</h1>
          <span className="row">
            <button type="button" aria-pressed={elder} onClick={() => change({ elder: !elder })}>
              {say(elder ? look.elderOff : look.elderOn)}
            </button>
            <Link to="/settings" className="button" aria-label={say(look.title)}>
              <Icon name="settings" />
            </Link>
          </span>
        </div>
        {main !== null ? <Balance wallet={main} /> : wallets.loading ? <div className="room" /> : null}
        <div className="duo">
          <Link to="/scan">
            <Icon name="scan" />
            {say(home.scan)}
          </Link>
          <Link to="/code">
            <Icon name="code" />
            {say(home.payCode)}
          </Link>
        </div>
      </section>
      <div className="inside stack">
        {signed && signed.device === null ? (
          <Tip kind="warn" title={say(common.noDevice)}>
            {say(common.noDeviceHow)}
            <span className="row">
              <Link to="/bind" className="button">
                {say(common.bindNow)}
              </Link>
            </span>
          </Tip>
        ) : null}
        <Unfinished />
        <Waiting />
        {main?.status === "LOST" ? (
          <Tip kind="warn" title={say(home.lost)}>
            <Link to="/freeze">{say(home.see)}</Link>
          </Tip>
        ) : null}
        {wallets.error && wallets.value !== undefined ? <Tip kind="warn">{say(common.offlineSeen)}</Tip> : null}
        {wallets.value === undefined && wallets.error ? <Fault error={wallets.error} again={wallets.reload} /> : null}
        {wallets.value !== undefined && main === null ? (
          <Tip title={say(home.noWallet)}>
            <Link to="/begin" className="button primary">
              {say(home.openWallet)}
            </Link>
          </Tip>
        ) : null}
        <Ways />
        {wallets.value === undefined && !wallets.error ? <Busy /> : null}
        {main === null ? null : <Left wallet={main} />}
        {main === null ? null : <Recent wallet={main} />}
      </div>
    </main>
  );
}

function Balance({ wallet }: { wallet: Wallet }) {
  const { say, hidden, change } = useSettings();
  const aside = wallet.balance.amount !== wallet.available.amount;
  return (
    <div>
      <div className="row small">
        <span>{say(home.balance)}</span>
        <button type="button" className="eye" aria-pressed={hidden} aria-label={say(hidden ? home.showBalance : home.hideBalance)} onClick={() => change({ hidden: !hidden })}>
          <Icon name={hidden ? "hidden" : "privacy"} />
        </button>
      </div>
      <p className="balance">
        {hidden ? (
          <>
            <span aria-hidden="true">¥ ••••</span>
            <span className="hidden-visually">{say(home.hiddenBalance)}</span>
          </>
        ) : (
          shownMoney(wallet.balance)
        )}
      </p>
      <p className="row small">
        <Link to="/wallets">
          {wallet.name} · {say(classes[wallet.class])}
          {wallet.status === "ACTIVE" ? "" : ` · ${say(walletStates[wallet.status])}`}
        </Link>
        {aside && !hidden ? <span>{say(home.available, { amount: shownMoney(wallet.available) })}</span> : null}
      </p>
    </div>
  );
}

const WAYS = [
  ["/transfer", "transfer", home.transfer, null],
  ["/receive", "receive", home.receive, null],
  ["/topup", "topup", home.topup, null],
  ["/withdraw", "withdraw", home.withdraw, null],
  ["/packets", "packet", home.packets, "packets"],
  ["/requests", "request", home.requests, "requests"],
  ["/splits", "split", home.splits, "splits"],
  ["/mandates", "subwallet", home.mandates, null],
  ["/coming/bills", "bills", home.bills, null],
  ["/coming/coupons", "coupon", home.coupons, null],
] as const satisfies readonly (readonly [string, IconName, unknown, Feature | null])[];

function Ways() {
  const { say } = useSettings();
  // Until the server has said what it lacks, all stand where they will: nothing jumps below a finger.
  const there = { packets: useFeature("packets"), requests: useFeature("requests"), splits: useFeature("splits") };
  return (
    <nav className="grid" aria-label={say(common.all)}>
      {WAYS.filter(([, , , feature]) => feature === null || there[feature] !== false).map(([to, icon, name]) => (
        <Link key={to} to={to}>
          <Icon name={icon} />
          {say(name)}
        </Link>
      ))}
    </nav>
  );
}

function Unfinished() {
  const { say } = useSettings();
  const { device } = useSigned();
  const [number, setNumber] = useState(0);
  useEffect(() => {
    void unfinished(device).then((acts) => setNumber(acts.length)).catch(() => {});
  }, [device]);
  if (number === 0) return null;
  return (
    <Tip kind="warn" title={say(home.checking, { n: number })}>
      {say(home.checkingHow)}
      <span className="row">
        <Link to="/acts" className="button">
          {say(home.see)}
        </Link>
      </span>
    </Tip>
  );
}

/** Payments by code that a shop asks the PIN for. */
function Waiting() {
  const { say } = useSettings();
  const { value } = useLoad<PageOf<PayerOrder>>("/v1/wallet/confirmations");
  if (value === undefined || value.items.length === 0) return null;
  return (
    <Tip kind="warn" title={say(home.toConfirm, { n: value.items.length })}>
      <span className="row">
        <Link to="/confirmations" className="button primary">
          {say(home.see)}
        </Link>
      </span>
    </Tip>
  );
}

function Left({ wallet: { limits, upgrade } }: { wallet: Wallet }) {
  const { say } = useSettings();
  const { day } = limits;
  return (
    <section className="card">
      <div className="spread">
        <h2>{say(home.leftToday)}</h2>
        <strong>{day ? shownMoney(day.left) : say(home.noLimit)}</strong>
      </div>
      {day ? (
        <>
          <div className="meter" aria-hidden="true">
            <svg viewBox="0 0 100 10" preserveAspectRatio="none">
              <rect width={day.limit.amount === 0 ? 0 : (100 * day.left.amount) / day.limit.amount} height="10" fill="var(--river)" />
            </svg>
          </div>
          <div className="spread note">
            <span>{say(home.ofLimit, { limit: shownMoney(day.limit) })}</span>
            {upgrade ? <Link to="/identity">{say(home.upgradeHint)}</Link> : null}
          </div>
        </>
      ) : null}
    </section>
  );
}

function Recent({ wallet }: { wallet: Wallet }) {
  const { say } = useSettings();
  const history = useLoad<PageOf<Movement>>(`/v1/wallet/wallets/${wallet.wallet_id}/history?limit=5`, { keepIt: true });
  return (
    <section className="part">
      <div className="head">
        <h2>{say(home.recent)}</h2>
        <Link to="/records">{say(home.seeAll)}</Link>
      </div>
      <Shown of={history}>{({ items }) => (items.length === 0 ? <p className="soft">{say(home.noRecent)}</p> : <Movements items={items} />)}</Shown>
      {wallet.balance.amount === 0 && history.value?.items.length === 0 ? (
        <Link to="/topup" className="button">
          {say(home.topup)}
        </Link>
      ) : null}
    </section>
  );
}
