// Leaving: every wallet emptied and closed, then the account, then the data.

import { shownMoney } from "@shared/money.ts";

import { api } from "../api/client.ts";
import { useFeature } from "../features.ts";
import { useAct } from "../parts/act.ts";
import { FactorForm } from "../parts/factor.tsx";
import { Page } from "../parts/page.tsx";
import { Sure } from "../parts/sure.tsx";
import { Fault, Shown, Tip } from "../parts/tell.tsx";
import { Link } from "../router.tsx";
import { useSession } from "../session.tsx";
import { useSettings } from "../settings.tsx";
import { walletStates } from "../texts/common.ts";
import { moving } from "../texts/moving.ts";
import { safe } from "../texts/safe.ts";
import { useWallets } from "../wallets.ts";

export default function Close() {
  const { say } = useSettings();
  const { leave } = useSession();
  const wallets = useWallets();
  const consents = useFeature("consents");
  const { working, error, run } = useAct();
  const open = wallets.items.filter((wallet) => wallet.status !== "CLOSED");
  return (
    <Page title={say(safe.close)} back="/privacy">
      <Tip kind="warn">{say(safe.closeHow)}</Tip>
      <Fault error={error} />
      <Shown of={wallets}>
        {() => (
          <>
            {wallets.items.map((wallet) => (
              <section className="card" key={wallet.wallet_id}>
                <div className="spread">
                  <h2>{wallet.name}</h2>
                  <span className="badge">{say(walletStates[wallet.status])}</span>
                </div>
                {wallet.status === "CLOSED" ? null : wallet.balance.amount > 0 ? (
                  <>
                    <p>{say(safe.closeHolds, { amount: shownMoney(wallet.balance) })}</p>
                    <Link to="/withdraw" className="button" onClick={() => wallets.choose(wallet.wallet_id)}>
                      {say(moving.withdraw)}
                    </Link>
                  </>
                ) : (
                  <Sure ask={say(safe.closeWallet)} sure={say(safe.closeSure)} disabled={working} onSure={() => void run(() => api(`/v1/wallet/wallets/${wallet.wallet_id}/close`, { method: "POST" }))} />
                )}
              </section>
            ))}
            {open.length === 0 && consents === true ? (
              <FactorForm
                danger
                label={say(safe.closeGo)}
                onFactor={async (factor) => {
                  await api("/v1/wallet/me/close", { method: "POST", body: { factor } });
                  await leave();
                }}
              />
            ) : null}
          </>
        )}
      </Shown>
    </Page>
  );
}
