// Passkeys: those there are, and another.

import { shownTime } from "@shared/time.ts";
import { type FormEvent, useState } from "react";

import { ApiProblem, api } from "../../api/client.ts";
import { type Passkey, passkeysWork, registerPasskey } from "../../api/passkeys.ts";
import type { PageOf } from "../../api/types.ts";
import { deviceName } from "../../device.ts";
import { moved, useLoad } from "../../load.ts";
import { FactorForm } from "../../parts/factor.tsx";
import { Field } from "../../parts/fields.tsx";
import { Icon } from "../../parts/icons.tsx";
import { Page } from "../../parts/page.tsx";
import { Empty, Fault, Shown, Tip } from "../../parts/tell.tsx";
import { useSettings } from "../../settings.tsx";
import { common } from "../../texts/common.ts";
import { safe } from "../../texts/safe.ts";

export default function Passkeys() {
  const { say } = useSettings();
  const list = useLoad<PageOf<Passkey>>("/v1/wallet/passkeys");
  const [name, setName] = useState(() => deviceName(navigator.userAgent));
  const [stepUp, setStepUp] = useState(false);
  const [removing, setRemoving] = useState<string | null>(null);
  const [error, setError] = useState<unknown>(null);
  const add = async (event: FormEvent) => {
    event.preventDefault();
    setError(null);
    try {
      await registerPasskey(name.trim(), null);
      moved();
    } catch (problem) {
      if (problem instanceof ApiProblem && problem.problem.code === "second_factor_required") setStepUp(true);
      else setError(problem);
    }
  };
  return (
    <Page title={say(safe.passkeys)} back="/security">
      <p className="soft">{say(safe.passkeysHow)}</p>
      <Fault error={error} />
      <Shown of={list}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty icon="key">{say(safe.passkeysNone)}</Empty>
          ) : (
            <ul className="list">
              {items.map((one) => (
                <li key={one.id}>
                  <div className="cell">
                    <Icon name="key" />
                    <span className="text">
                      <span>{one.name}</span>
                      <span className="sub">{say(safe.since, { at: shownTime(one.created_at, true).slice(0, 16) })}</span>
                    </span>
                    <button type="button" className="danger" onClick={() => setRemoving(one.id)}>
                      {say(safe.remove)}
                    </button>
                  </div>
                </li>
              ))}
            </ul>
          )
        }
      </Shown>
      {removing === null ? null : (
        <section className="card">
          <h2>{say(safe.factor)}</h2>
          <FactorForm
            danger
            label={say(safe.remove)}
            onFactor={async (factor) => {
              await api(`/v1/wallet/passkeys/${removing}/remove`, { method: "POST", body: { factor } });
              setRemoving(null);
              moved();
            }}
          />
          <button type="button" onClick={() => setRemoving(null)}>
            {say(common.cancel)}
          </button>
        </section>
      )}
      {!passkeysWork() ? (
        <Tip kind="warn" title={say(safe.passkeyCannot)} />
      ) : stepUp ? (
        <section className="card">
          <h2>{say(safe.factor)}</h2>
          <FactorForm
            label={say(safe.passkeyAdd)}
            onFactor={async (factor) => {
              await registerPasskey(name.trim(), factor);
              setStepUp(false);
              moved();
            }}
          />
        </section>
      ) : (
        <form onSubmit={(event) => void add(event)} noValidate>
          <Field label={say(safe.passkeyName)} value={name} onValue={setName} maxLength={64} autoComplete="off" />
          <button type="submit" className="primary wide" disabled={name.trim() === ""}>
            {say(safe.passkeyAdd)}
          </button>
        </form>
      )}
    </Page>
  );
}
