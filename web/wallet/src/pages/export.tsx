// The history as a file, with its proof; or on paper by the browser's own print.

import { type FormEvent, useEffect, useState } from "react";

import { api, bearer, now } from "../api/client.ts";
import type { Export, PageOf } from "../api/types.ts";
import { makeNonce } from "../device.ts";
import { useLoad } from "../load.ts";
import { monthOf } from "../money/month.ts";
import { Field } from "../parts/fields.tsx";
import { Page } from "../parts/page.tsx";
import { Fault, Shown } from "../parts/tell.tsx";
import { WalletChoice } from "../parts/wallet-choice.tsx";
import { Link } from "../router.tsx";
import { useSettings } from "../settings.tsx";
import { common } from "../texts/common.ts";
import { exportStates, records } from "../texts/records.ts";
import { useWallets } from "../wallets.ts";
import { NoWallet } from "./pay.tsx";

const LOOK_MS = 1_500;

export default function ExportPage() {
  const { say, language } = useSettings();
  const wallets = useWallets();
  const list = useLoad<PageOf<Export>>("/v1/wallet/exports?limit=20");
  const [period, setPeriod] = useState(() => monthOf(now()));
  const [key, setKey] = useState(makeNonce);
  const [working, setWorking] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const { reload } = list;
  const pending = list.value?.items.some((one) => one.state === "QUEUED" || one.state === "RUNNING") ?? false;
  useEffect(() => {
    if (!pending) return;
    const timer = setInterval(reload, LOOK_MS);
    return () => clearInterval(timer);
  }, [pending, reload]);
  const wallet = wallets.main;
  if (wallet === null) return <NoWallet loading={wallets.loading} error={wallets.error} />;
  const ask = async (event: FormEvent) => {
    event.preventDefault();
    setError(null);
    setWorking(true);
    try {
      await api(`/v1/wallet/wallets/${wallet.wallet_id}/exports`, { method: "POST", body: { format: "csv", period, language, bom: true }, idempotencyKey: key });
      setKey(makeNonce());
      reload();
    } catch (problem) {
      setError(problem);
    } finally {
      setWorking(false);
    }
  };
  const download = async (one: Export) => {
    setError(null);
    try {
      const response = await fetch(`/v1/wallet/exports/${one.id}/file`, { headers: bearer(), cache: "no-store" });
      if (!response.ok) throw new Error(`status ${response.status}`);
      const address = URL.createObjectURL(await response.blob());
      const link = document.createElement("a");
      link.href = address;
      link.download = `jialing-${one.from.slice(0, 10)}.${one.format}`;
      link.click();
      URL.revokeObjectURL(address);
    } catch (problem) {
      setError(problem);
    }
  };
  return (
    <Page title={say(records.exportTitle)} back="/records">
      <p className="soft">{say(records.exportHow)}</p>
      <form onSubmit={(event) => void ask(event)} noValidate>
        <WalletChoice label={say(common.wallet)} wallets={wallets.items} value={wallet} onValue={wallets.choose} />
        <Field label={say(records.period)} type="month" value={period} max={monthOf(now())} onValue={setPeriod} />
        <Fault error={error} />
        <button type="submit" className="primary wide" disabled={working || !/^\d{4}-\d{2}$/.test(period)}>
          {say(records.ask)}
        </button>
      </form>
      <Link to="/month">{say(records.print)}</Link>
      <section className="part">
        <h2>{say(records.exports)}</h2>
        <Shown of={list}>
          {({ items }) =>
            items.length === 0 ? (
              <p className="soft">{say(records.exportsNone)}</p>
            ) : (
              <ul className="list">
                {items.map((one) => (
                  <li key={one.id}>
                    <div className="cell">
                      <span className="text">
                        <span>
                          {one.from.slice(0, 10)} – {one.to.slice(0, 10)}
                        </span>
                        <span className="sub">
                          {say(exportStates[one.state])} · {say(records.rows, { n: one.rows_done })}
                        </span>
                      </span>
                      {one.state === "READY" ? (
                        <button type="button" onClick={() => void download(one)}>
                          {say(records.download)}
                        </button>
                      ) : null}
                    </div>
                  </li>
                ))}
              </ul>
            )
          }
        </Shown>
      </section>
    </Page>
  );
}
