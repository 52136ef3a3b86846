// The authenticator: on by scanning its secret, off by proof, and its recovery codes.

import { type FormEvent, useState } from "react";

import { ApiProblem, api } from "../../api/client.ts";
import type { Factor } from "../../api/types.ts";
import { moved, useLoad } from "../../load.ts";
import { useAct } from "../../parts/act.ts";
import { FactorForm } from "../../parts/factor.tsx";
import { Field } from "../../parts/fields.tsx";
import { Page } from "../../parts/page.tsx";
import { Qr } from "../../parts/qr.tsx";
import { Fault, Shown, Tip } from "../../parts/tell.tsx";
import { useSettings } from "../../settings.tsx";
import { arrive } from "../../texts/arrive.ts";
import { common } from "../../texts/common.ts";
import { safe } from "../../texts/safe.ts";

interface State {
  readonly state: "NONE" | "PENDING" | "ACTIVE";
  readonly recovery_codes_left: number;
}

const PATH = "/v1/wallet/authenticator";

export default function Authenticator() {
  const { say } = useSettings();
  const state = useLoad<State>(PATH);
  const [secret, setSecret] = useState<{ secret: string; uri: string } | null>(null);
  const [codes, setCodes] = useState<readonly string[] | null>(null);
  const [asking, setAsking] = useState<"add" | "remove" | "renew" | null>(null);
  const [totp, setTotp] = useState("");
  const { working, error, run } = useAct();
  const add = async (factor: Factor | null) => {
    try {
      setSecret(await api(PATH, { method: "POST", body: factor === null ? {} : { factor } }));
      setAsking(null);
    } catch (problem) {
      if (factor !== null || !(problem instanceof ApiProblem) || problem.problem.code !== "second_factor_required") throw problem;
      setAsking("add");
    }
  };
  const confirm = (event: FormEvent) => {
    event.preventDefault();
    void run(async () => {
      const { recovery_codes } = await api<{ recovery_codes: readonly string[] }>(`${PATH}/confirm`, { method: "POST", body: { totp } });
      setSecret(null);
      setCodes(recovery_codes);
    });
  };
  const withFactor = async (factor: Factor) => {
    if (asking === "add") return add(factor);
    if (asking === "remove") await api(`${PATH}/remove`, { method: "POST", body: { factor } });
    else setCodes((await api<{ recovery_codes: readonly string[] }>(`${PATH}/recovery-codes`, { method: "POST", body: { factor } })).recovery_codes);
    setAsking(null);
    moved();
  };
  return (
    <Page title={say(safe.authenticator)} back="/security">
      <p className="soft">{say(safe.authenticatorHow)}</p>
      <Fault error={error} />
      {codes === null ? null : (
        <section className="card">
          <h2>{say(safe.recoveryCodes)}</h2>
          <p className="soft">{say(safe.recoveryHow)}</p>
          <ul className="grid-2">
            {codes.map((code) => (
              <li key={code} className="mono">
                {code}
              </li>
            ))}
          </ul>
          <button type="button" onClick={() => setCodes(null)}>
            {say(common.done)}
          </button>
        </section>
      )}
      {secret === null ? null : (
        <section className="card">
          <p>{say(safe.authenticatorScan)}</p>
          <div className="paper">
            <Qr text={secret.uri} label={say(safe.authenticatorQr)} />
          </div>
          <p className="mono center">{secret.secret}</p>
          <form onSubmit={confirm} noValidate>
            <Field label={say(safe.authenticatorConfirm)} value={totp} onValue={(typed) => setTotp(typed.replace(/\D/g, "").slice(0, 6))} inputMode="numeric" autoComplete="one-time-code" maxLength={6} />
            <button type="submit" className="primary wide" disabled={working || totp.length !== 6}>
              {say(common.confirm)}
            </button>
          </form>
        </section>
      )}
      {asking === null ? null : (
        <section className="card">
          <h2>{say(safe.factor)}</h2>
          <FactorForm key={asking} danger={asking === "remove"} label={say(asking === "add" ? safe.authenticatorAdd : asking === "remove" ? safe.authenticatorRemove : safe.recoveryRenew)} onFactor={withFactor} />
          <button type="button" onClick={() => setAsking(null)}>
            {say(common.cancel)}
          </button>
        </section>
      )}
      {secret !== null || asking !== null ? null : (
        <Shown of={state}>
          {({ state: stands, recovery_codes_left }) =>
            stands === "ACTIVE" ? (
              <>
                <Tip kind="good" title={`✓ ${say(safe.authenticatorOn, { n: recovery_codes_left })}`} />
                <button type="button" onClick={() => setAsking("renew")}>
                  {say(safe.recoveryRenew)}
                </button>
                <button type="button" className="danger" onClick={() => setAsking("remove")}>
                  {say(safe.authenticatorRemove)}
                </button>
              </>
            ) : (
              <>
                <Tip title={say(safe.authenticatorOff)}>{say(arrive.neverTell)}</Tip>
                <button type="button" className="primary wide" disabled={working} onClick={() => void run(() => add(null))}>
                  {say(safe.authenticatorAdd)}
                </button>
              </>
            )
          }
        </Shown>
      )}
    </Page>
  );
}
