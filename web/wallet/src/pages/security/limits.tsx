// Limits of one's own, below those of the class.

import { shownMoney } from "@shared/money.ts";
import { shownTime } from "@shared/time.ts";
import { type FormEvent, useEffect, useState } from "react";

import { absent, api } from "../../api/client.ts";
import type { Factor, Money, Wallet } from "../../api/types.ts";
import { moved, useLoad } from "../../load.ts";
import { cny } from "../../money/perform.tsx";
import { useAct } from "../../parts/act.ts";
import { FactorForm } from "../../parts/factor.tsx";
import { Field, fenOf } from "../../parts/fields.tsx";
import { Page } from "../../parts/page.tsx";
import { Fault, Shown, Tip } from "../../parts/tell.tsx";
import { useSettings } from "../../settings.tsx";
import { common } from "../../texts/common.ts";
import { safe } from "../../texts/safe.ts";
import { useWallets } from "../../wallets.ts";
import { NoWallet } from "../pay.tsx";

interface Own {
  readonly single?: Money;
  readonly day?: Money;
  readonly pending?: { readonly single?: Money; readonly day?: Money; readonly from: string };
}

export default function OwnLimits() {
  const wallets = useWallets();
  if (wallets.main === null) return <NoWallet loading={wallets.loading} error={wallets.error} />;
  return <Form key={wallets.main.wallet_id} wallet={wallets.main} />;
}

function Form({ wallet }: { wallet: Wallet }) {
  const { say } = useSettings();
  const path = `/v1/wallet/wallets/${wallet.wallet_id}/own-limits`;
  const own = useLoad<Own>(path);
  const [single, setSingle] = useState("");
  const [day, setDay] = useState("");
  const [tried, setTried] = useState(false);
  const [saved, setSaved] = useState(false);
  const { working, error, run } = useAct();
  const value = own.value;
  useEffect(() => {
    const typed = (money: Money | undefined) => (money === undefined ? "" : (money.amount / 100).toFixed(2));
    if (value === undefined) return;
    setSingle(typed(value.single));
    setDay(typed(value.day));
  }, [value]);
  const good = (typed: string) => typed.trim() === "" || fenOf(typed) !== null;
  const put = async (factor: Factor | null) => {
    const body: Record<string, unknown> = factor === null ? {} : { factor };
    const [one, all] = [fenOf(single), fenOf(day)];
    if (one !== null) body.single = cny(one);
    if (all !== null) body.day = cny(all);
    await api(path, { method: "PUT", body });
    moved();
    setSaved(true);
  };
  const save = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    setSaved(false);
    if (good(single) && good(day)) void run(() => put(null));
  };
  const shown = (money: Money | undefined) => (money === undefined ? say(safe.noLimit) : shownMoney(money));
  return (
    <Page title={say(safe.limits)} back="/security">
      <p className="soft">{say(safe.limitsHow)}</p>
      {absent(own.error) ? (
        <Tip title={say(common.notThere)} children={say(common.notThereHow)} />
      ) : (
        <Shown of={own}>
          {({ pending }) => (
            <>
              <form onSubmit={save} noValidate>
                <Field label={say(safe.limitSingle)} inputMode="decimal" value={single} onValue={setSingle} maxLength={12} fault={tried && !good(single) ? say(common.amountFault) : null} />
                <Field label={say(safe.limitDay)} inputMode="decimal" value={day} onValue={setDay} maxLength={12} fault={tried && !good(day) ? say(common.amountFault) : null} />
                <Fault error={error} />
                {saved ? <Tip kind="good" title={`✓ ${say(safe.limitSaved)}`} alert /> : null}
                <button type="submit" className="primary wide" disabled={working}>
                  {say(common.save)}
                </button>
              </form>
              {pending === undefined ? null : (
                <section className="card">
                  <p>{say(safe.limitPending, { at: shownTime(pending.from, true).slice(0, 16), single: shown(pending.single), day: shown(pending.day) })}</p>
                  <h2>{say(safe.limitNow)}</h2>
                  <FactorForm label={say(safe.limitNow)} onFactor={put} />
                </section>
              )}
            </>
          )}
        </Shown>
      )}
    </Page>
  );
}
