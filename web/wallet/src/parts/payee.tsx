// Choosing a person to pay or to ask: by phone with the masked name, by wallet id, or one of before.

import { type FormEvent, useEffect, useState } from "react";

import { api } from "../api/client.ts";
import { phoneOf } from "../api/people.ts";
import { type KnownPayee, knownPayees } from "../money/payees.ts";
import { useSettings } from "../settings.tsx";
import { arrive } from "../texts/arrive.ts";
import { moving } from "../texts/moving.ts";
import { Choice, Field } from "./fields.tsx";
import { Icon } from "./icons.tsx";
import { Busy, Fault } from "./tell.tsx";

export interface ChosenPayee {
  /** What is sent and signed: a `payee_token`, or a wallet id. */
  readonly payee: string;
  /** The masked name; for a wallet id its end. */
  readonly name: string;
  /** The name is the platform's, not only an id. */
  readonly named: boolean;
  /** What to find them by again. */
  readonly by: string;
  readonly known: boolean;
}

const WALLET = /^wal_[0-9a-z]{26}$/;

export function walletPayee(wallet: string, known: readonly KnownPayee[], nameless: string): ChosenPayee {
  return { payee: wallet, name: nameless, named: false, by: wallet, known: known.some((one) => one.by === wallet) };
}

export function PayeeForm({ onChosen }: { onChosen: (payee: ChosenPayee) => void }) {
  const { say } = useSettings();
  const [how, setHow] = useState<"phone" | "wallet">("phone");
  const [typed, setTyped] = useState("");
  const [tried, setTried] = useState(false);
  const [working, setWorking] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [known, setKnown] = useState<readonly KnownPayee[]>([]);
  useEffect(() => {
    void knownPayees().then(setKnown).catch(() => {});
  }, []);
  const choose = async (by: string) => {
    setError(null);
    if (WALLET.test(by)) return onChosen(walletPayee(by, known, say(moving.nameless, { id: by.slice(-6) })));
    setWorking(true);
    try {
      const found = await api<{ name: string; payee_token: string }>("/v1/wallet/payees/lookup", { method: "POST", body: { phone: by } });
      onChosen({ payee: found.payee_token, name: found.name, named: true, by, known: known.some((one) => one.by === by) });
    } catch (problem) {
      setError(problem);
      setWorking(false);
    }
  };
  const phone = phoneOf(typed);
  const wallet = WALLET.test(typed.trim()) ? typed.trim() : null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    const by = how === "phone" ? phone : wallet;
    if (by !== null) void choose(by);
  };
  if (working) return <Busy />;
  return (
    <>
      <form onSubmit={submit} noValidate>
        <Fault error={error} />
        <Choice
          label={say(moving.toWhom)}
          value={how}
          onValue={(chosen) => (setHow(chosen), setTyped(""), setTried(false))}
          options={[
            ["phone", say(moving.byPhone)],
            ["wallet", say(moving.byWallet)],
          ]}
        />
        {how === "phone" ? (
          <Field label={say(arrive.phone)} value={typed} onValue={setTyped} type="tel" maxLength={20} autoComplete="off" autoFocus fault={tried && phone === null ? say(arrive.phoneFault) : null} />
        ) : (
          <Field label={say(moving.walletId)} value={typed} onValue={setTyped} maxLength={40} autoComplete="off" autoFocus fault={tried && wallet === null ? say(moving.walletIdFault) : null} hint={say(moving.walletIdHint)} />
        )}
        <button type="submit" className="primary wide">
          {say(moving.find)}
        </button>
      </form>
      {known.length === 0 ? null : (
        <section className="part">
          <h2>{say(moving.recent)}</h2>
          <ul className="list">
            {known.map((one) => (
              <li key={one.by}>
                <button type="button" className="go" onClick={() => void choose(one.by)}>
                  <Icon name="me" />
                  <span className="text">
                    <span>{one.name}</span>
                    <span className="sub">{WALLET.test(one.by) ? `…${one.by.slice(-6)}` : `${one.by.slice(0, 3)}****${one.by.slice(-4)}`}</span>
                  </span>
                </button>
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}
