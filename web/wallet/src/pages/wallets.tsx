// One's wallets: which pays by default, what each holds, another at another bank.

import { shownMoney } from "@shared/money.ts";
import { useState } from "react";

import { api } from "../api/client.ts";
import type { Institution, PageOf } from "../api/types.ts";
import { makeNonce } from "../device.ts";
import { useLoad } from "../load.ts";
import { useAct } from "../parts/act.ts";
import { Page } from "../parts/page.tsx";
import { Empty, Fault, Shown } from "../parts/tell.tsx";
import { useSettings } from "../settings.tsx";
import { arrive } from "../texts/arrive.ts";
import { classes, walletStates } from "../texts/common.ts";
import { home } from "../texts/home.ts";
import { safe } from "../texts/safe.ts";
import { useWallets } from "../wallets.ts";

export default function Wallets() {
  const { say, language, hidden } = useSettings();
  const wallets = useWallets();
  const banks = useLoad<PageOf<Institution>>("/v1/public/institutions");
  const [bank, setBank] = useState("");
  const [key] = useState(makeNonce);
  const { working, error, run } = useAct();
  const operating = banks.value?.items.filter((one) => one.role === "OPERATING") ?? [];
  const chosen = bank === "" ? operating[0]?.code : bank;
  return (
    <Page title={say(safe.wallets)} back="/me">
      <Shown of={wallets}>
        {() =>
          wallets.items.length === 0 ? (
            <Empty>{say(home.noWallet)}</Empty>
          ) : (
            wallets.items.map((wallet) => (
              <section className="card" key={wallet.wallet_id}>
                <div className="spread">
                  <h2>
                    {wallet.name} · {say(classes[wallet.class])}
                  </h2>
                  <span className={`badge ${wallet.status === "ACTIVE" ? "good" : "bad"}`}>{say(walletStates[wallet.status])}</span>
                </div>
                <strong>{hidden ? "¥ ••••" : shownMoney(wallet.balance)}</strong>
                <p className="mono">{wallet.wallet_id}</p>
                {wallet.status === "CLOSED" ? null : wallet.wallet_id === wallets.main?.wallet_id ? (
                  <span className="badge">✓ {say(safe.isMain)}</span>
                ) : (
                  <button type="button" onClick={() => wallets.choose(wallet.wallet_id)}>
                    {say(safe.main)}
                  </button>
                )}
              </section>
            ))
          )
        }
      </Shown>
      <section className="card">
        <h2>{say(safe.newWallet)}</h2>
        <div className="field">
          <label htmlFor="new-bank">{say(arrive.bank)}</label>
          <select id="new-bank" value={chosen} onChange={(event) => setBank(event.target.value)}>
            {operating.map((one) => (
              <option key={one.code} value={one.code}>
                {language === "zh" ? one.name_zh : one.name_en}
              </option>
            ))}
          </select>
        </div>
        <Fault error={error} />
        <button type="button" disabled={working || chosen === undefined} onClick={() => void run(() => api("/v1/wallet/wallets", { method: "POST", body: { institution: chosen }, idempotencyKey: `${key}-${chosen}` }))}>
          {say(arrive.openWallet)}
        </button>
      </section>
    </Page>
  );
}
