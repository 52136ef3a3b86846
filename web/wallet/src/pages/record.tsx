// One movement: what it was, its receipt, and the check that everybody can make.
//
// `/record/txn_…?of=wal_…&id=…`: a transaction may stand in a wallet's history more than once.

import { shownMoney } from "@shared/money.ts";
import { shownTime } from "@shared/time.ts";
import { useState } from "react";

import type { Movement, PageOf } from "../api/types.ts";
import { useFeature } from "../features.ts";
import { useLoad } from "../load.ts";
import { Fact } from "../money/perform.tsx";
import { ledgerKey, verify, type Verdict } from "../money/receipt.ts";
import { signedAmount, useOther } from "../parts/movements.tsx";
import { Page } from "../parts/page.tsx";
import { Busy, Fault, Shown, Tip } from "../parts/tell.tsx";
import { VerdictView } from "../parts/verdict.tsx";
import { Link, useSearch } from "../router.tsx";
import { useSettings } from "../settings.tsx";
import { common, kindText } from "../texts/common.ts";
import { records } from "../texts/records.ts";
import { useWallets } from "../wallets.ts";

export default function RecordPage({ rest }: { rest: string }) {
  const { say } = useSettings();
  const search = useSearch();
  const wallets = useWallets();
  const wallet = search.get("of") ?? wallets.main?.wallet_id ?? null;
  const id = search.get("id");
  const path = wallet === null || wallet === "" ? null : `/v1/wallet/wallets/${encodeURIComponent(wallet)}/history?reference=${encodeURIComponent(rest)}&limit=20`;
  const found = useLoad<PageOf<Movement>>(path, { keepIt: true });
  return (
    <Page title={say(records.detail)} back="/records">
      {found.error && found.value !== undefined ? <Tip kind="warn">{say(common.offlineSeen)}</Tip> : null}
      <Shown of={found}>
        {({ items }) => {
          const movement = items.find((one) => one.id === id) ?? items[0];
          return movement === undefined ? <Tip kind="warn" title={say(records.none)} /> : <Detail movement={movement} />;
        }}
      </Shown>
    </Page>
  );
}

function Detail({ movement }: { movement: Movement }) {
  const { say } = useSettings();
  const other = useOther();
  const tickets = useFeature("tickets");
  // What belongs to the same order: its refunds, or the payment of a refund.
  const kin = useLoad<PageOf<Movement>>(movement.subject.startsWith("ord_") ? `/v1/wallet/wallets/${movement.wallet_id}/history?reference=${movement.subject}&limit=20` : null);
  const back = kin.value?.items.filter((one) => one.kind === "refund") ?? [];
  return (
    <>
      <p className="center">{other(movement)}</p>
      <p className={`sum ${movement.direction}`}>{signedAmount(movement)}</p>
      <section className="card">
        <dl className="facts">
          <Fact name={say(records.kind)} value={say(kindText(movement.kind))} />
          {movement.memo ? <Fact name={say(records.memo)} value={movement.memo} /> : null}
          <Fact name={say(records.counterparty)} value={other(movement)} />
          <Fact name={say(common.time)} value={shownTime(movement.at, true)} />
          <Fact name={say(records.balanceAfter)} value={shownMoney(movement.balance)} />
          {back.map((one) => (
            <Fact key={one.id} name={say(records.refunded)} value={shownMoney(one.amount)} />
          ))}
          <Fact name={say(records.transaction)} value={<span className="mono">{movement.transaction_id}</span>} />
          <Fact name={say(records.forWhat)} value={<span className="mono">{movement.subject}</span>} />
        </dl>
      </section>
      <Proof movement={movement} />
      {tickets === true && movement.kind === "payment" && movement.direction === "out" ? (
        <div className="grid-2">
          <Link to={`/tickets/new?topic=ASK_REFUND&subject=${movement.subject}`} className="button">
            {say(records.askRefund)}
          </Link>
          <Link to={`/tickets/new?topic=CONTEST_PAYMENT&subject=${movement.subject}`} className="button">
            {say(records.contest)}
          </Link>
        </div>
      ) : null}
    </>
  );
}

/** The receipt, verified here and kept as a file. */
function Proof({ movement }: { movement: Movement }) {
  const { say } = useSettings();
  const receipt = useLoad<unknown>(`/v1/wallet/receipts/${movement.transaction_id}?movement=${movement.id}`, { keepIt: true });
  const [found, setFound] = useState<{ verdict: Verdict; ledger: string } | null>(null);
  const [working, setWorking] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const check = async (value: unknown) => {
    setError(null);
    setWorking(true);
    try {
      const ledger = await ledgerKey();
      setFound({ ledger, verdict: await verify(value, ledger) });
    } catch (problem) {
      setError(problem);
    } finally {
      setWorking(false);
    }
  };
  const save = (value: unknown) => {
    const address = URL.createObjectURL(new Blob([JSON.stringify(value, null, 2)], { type: "application/json" }));
    const link = document.createElement("a");
    link.href = address;
    link.download = `receipt-${movement.transaction_id}.json`;
    link.click();
    URL.revokeObjectURL(address);
  };
  return (
    <section className="part">
      <p className="note">{say(records.verifyHow)}</p>
      <Shown of={receipt}>
        {(value) => (
          <div className="grid-2">
            <button type="button" className="primary" disabled={working} onClick={() => void check(value)}>
              {say(records.verify)}
            </button>
            <button type="button" onClick={() => save(value)}>
              {say(records.save)}
            </button>
          </div>
        )}
      </Shown>
      {working ? <Busy text={say(records.verifying)} /> : null}
      <Fault error={error} />
      {found === null ? null : <VerdictView {...found} />}
    </section>
  );
}
