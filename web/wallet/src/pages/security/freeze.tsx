// "Freeze my wallet" in one tap, and how to lift it.

import { useState } from "react";

import { api } from "../../api/client.ts";
import type { Wallet } from "../../api/types.ts";
import { moved } from "../../load.ts";
import { useAct } from "../../parts/act.ts";
import { FactorForm } from "../../parts/factor.tsx";
import { Page } from "../../parts/page.tsx";
import { Busy, Fault, Tip } from "../../parts/tell.tsx";
import { useSettings } from "../../settings.tsx";
import { classes, walletStates } from "../../texts/common.ts";
import { safe } from "../../texts/safe.ts";
import { useWallets } from "../../wallets.ts";

export default function Freeze() {
  const { say } = useSettings();
  const wallets = useWallets();
  const { working, error, run } = useAct();
  const open = wallets.items.filter((wallet) => wallet.status !== "CLOSED");
  const active = open.filter((wallet) => wallet.status !== "LOST" && wallet.status !== "FROZEN");
  const freeze = (which: readonly Wallet[]) => run(() => Promise.all(which.map((wallet) => api(`/v1/wallet/wallets/${wallet.wallet_id}/freeze`, { method: "POST" }))));
  return (
    <Page title={say(safe.freeze)} back="/security">
      <p className="soft">{say(safe.freezeHow)}</p>
      <Fault error={error} />
      {wallets.value === undefined ? <Busy /> : null}
      {active.length > 0 ? (
        <button type="button" className="primary danger wide" disabled={working} onClick={() => void freeze(active)}>
          {say(active.length > 1 ? safe.freezeAll : safe.freezeNow)}
        </button>
      ) : null}
      {open.map((wallet) => (
        <section className="card" key={wallet.wallet_id} data-status={wallet.status}>
          <div className="spread">
            <h2>
              {wallet.name} · {say(classes[wallet.class])}
            </h2>
            <span className={`badge ${wallet.status === "ACTIVE" ? "good" : "bad"}`}>{say(walletStates[wallet.status])}</span>
          </div>
          {wallet.status === "LOST" ? (
            <Lift wallet={wallet} />
          ) : active.length > 1 ? (
            <button type="button" className="danger" disabled={working} onClick={() => void freeze([wallet])}>
              {say(safe.freezeNow)}
            </button>
          ) : null}
        </section>
      ))}
    </Page>
  );
}

function Lift({ wallet }: { wallet: Wallet }) {
  const { say } = useSettings();
  const [lifting, setLifting] = useState(false);
  if (!lifting) {
    return (
      <>
        <Tip kind="warn" title={say(safe.frozen)} />
        <button type="button" onClick={() => setLifting(true)}>
          {say(safe.lift)}
        </button>
      </>
    );
  }
  return (
    <>
      <p className="note">{say(safe.liftHow)}</p>
      <FactorForm
        codeOnly
        label={say(safe.lift)}
        onFactor={async (factor) => {
          await api(`/v1/wallet/wallets/${wallet.wallet_id}/lift`, { method: "POST", body: factor });
          moved();
        }}
      />
    </>
  );
}
