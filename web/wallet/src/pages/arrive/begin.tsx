// The last steps of the arrival: the payment PIN, and the first wallet.

import { useState } from "react";

import { api } from "../../api/client.ts";
import type { Institution, PageOf, Profile, Wallet } from "../../api/types.ts";
import { makeNonce } from "../../device.ts";
import { moved, useLoad } from "../../load.ts";
import { PinField } from "../../parts/fields.tsx";
import { Page } from "../../parts/page.tsx";
import { Busy, Fault, Shown } from "../../parts/tell.tsx";
import { go } from "../../router.tsx";
import { useSettings } from "../../settings.tsx";
import { arrive } from "../../texts/arrive.ts";

export default function Begin() {
  const { say } = useSettings();
  const profile = useLoad<Profile>("/v1/wallet/me");
  const wallets = useLoad<PageOf<Wallet>>("/v1/wallet/wallets");
  const [opened, setOpened] = useState(false);
  return (
    <Page title={say(arrive.signUp)} back={null}>
      <Shown of={profile}>
        {(me) =>
          !me.pin_set ? (
            <FirstPin />
          ) : (
            <Shown of={wallets}>{({ items }) => (items.length === 0 && !opened ? <FirstWallet onOpened={() => setOpened(true)} /> : <Ready />)}</Shown>
          )
        }
      </Shown>
    </Page>
  );
}

function FirstPin() {
  const { say } = useSettings();
  const [first, setFirst] = useState<string | null>(null);
  const [pin, setPin] = useState("");
  const [fault, setFault] = useState<string | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [working, setWorking] = useState(false);
  const whole = async (typed: string) => {
    setError(null);
    setFault(null);
    if (first === null) {
      setFirst(typed);
      return setPin("");
    }
    if (first !== typed) {
      setFault(say(arrive.pinDiffer));
      setFirst(null);
      return setPin("");
    }
    setWorking(true);
    try {
      await api("/v1/wallet/pin", { method: "PUT", body: { pin: typed } });
      moved();
    } catch (problem) {
      setError(problem);
      setFirst(null);
      setPin("");
    } finally {
      setWorking(false);
    }
  };
  if (working) return <Busy />;
  return (
    <>
      <p className="note">{say(arrive.stepPin)}</p>
      <p className="soft">{say(arrive.pinHow)}</p>
      <PinField key={first === null ? "first" : "again"} label={say(first === null ? arrive.pin : arrive.pinAgain)} value={pin} onValue={setPin} onWhole={(typed) => void whole(typed)} fault={fault} />
      <Fault error={error} />
    </>
  );
}

function FirstWallet({ onOpened }: { onOpened: () => void }) {
  const { say, language } = useSettings();
  const banks = useLoad<PageOf<Institution>>("/v1/public/institutions");
  const [chosen, setChosen] = useState<string | null>(null);
  const [key] = useState(makeNonce);
  const [error, setError] = useState<unknown>(null);
  const [working, setWorking] = useState(false);
  const open = async (institution: string) => {
    setError(null);
    setWorking(true);
    try {
      await api<Wallet>("/v1/wallet/wallets", { method: "POST", body: { institution }, idempotencyKey: `${key}-${institution}` });
      onOpened();
      moved();
    } catch (problem) {
      setError(problem);
      setWorking(false);
    }
  };
  if (working) return <Busy text={say(arrive.opening)} />;
  return (
    <Shown of={banks}>
      {({ items }) => {
        const operating = items.filter((bank) => bank.role === "OPERATING");
        const picked = chosen ?? operating[0]?.code;
        return (
          <>
            <h2 className="lead">{say(arrive.bank)}</h2>
            <p className="soft">{say(arrive.bankHow)}</p>
            <ul className="list">
              {operating.map((bank) => (
                <li key={bank.code}>
                  <label className="cell">
                    <input type="radio" name="bank" checked={bank.code === picked} onChange={() => setChosen(bank.code)} />
                    <span className="text">{language === "zh" ? bank.name_zh : bank.name_en}</span>
                  </label>
                </li>
              ))}
            </ul>
            <Fault error={error} />
            <button type="button" className="primary wide" disabled={picked === undefined} onClick={() => picked && void open(picked)}>
              {say(arrive.openWallet)}
            </button>
          </>
        );
      }}
    </Shown>
  );
}

function Ready() {
  const { say } = useSettings();
  return (
    <>
      <p className="sign good" aria-hidden="true">
        ✓
      </p>
      <h2 className="lead center" role="status">
        {say(arrive.ready)}
      </h2>
      <p className="soft center">{say(arrive.readyHow)}</p>
      <button type="button" className="primary wide" onClick={() => go("/", { instead: true })}>
        {say(arrive.enter)}
      </button>
    </>
  );
}
