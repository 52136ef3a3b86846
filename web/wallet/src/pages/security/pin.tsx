// Changing the payment PIN: a second factor, then the new one twice. It also ends a lock.

import { useState } from "react";

import { api } from "../../api/client.ts";
import type { PinState } from "../../api/types.ts";
import { moved, useLoad } from "../../load.ts";
import { FactorForm } from "../../parts/factor.tsx";
import { PinField } from "../../parts/fields.tsx";
import { Page } from "../../parts/page.tsx";
import { Fault, Shown, Tip } from "../../parts/tell.tsx";
import { go } from "../../router.tsx";
import { useSettings } from "../../settings.tsx";
import { arrive } from "../../texts/arrive.ts";
import { common } from "../../texts/common.ts";
import { safe } from "../../texts/safe.ts";

export default function ChangePin() {
  const { say } = useSettings();
  const state = useLoad<PinState>("/v1/wallet/pin");
  const [first, setFirst] = useState("");
  const [second, setSecond] = useState("");
  const [chosen, setChosen] = useState<string | null>(null);
  const [fault, setFault] = useState<string | null>(null);
  const [done, setDone] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const set = async (body: { pin: string; code?: string }) => {
    try {
      await api("/v1/wallet/pin", { method: "PUT", body });
      setDone(true);
      moved();
    } catch (problem) {
      setError(problem);
      [setFirst, setSecond].forEach((clear) => clear(""));
      setChosen(null);
    }
  };
  if (done) {
    return (
      <Page title={say(safe.pinChange)} back="/security">
        <Tip kind="good" title={`✓ ${say(safe.pinChanged)}`} alert />
        <button type="button" className="primary wide" onClick={() => go("/security", { instead: true })}>
          {say(common.done)}
        </button>
      </Page>
    );
  }
  return (
    <Page title={say(safe.pinChange)} back="/security">
      <Shown of={state}>
        {({ set: isSet, locked_for }) => (
          <>
            {locked_for > 0 ? <Tip kind="warn" title={say(safe.pinLocked, { m: Math.ceil(locked_for / 60) })} /> : null}
            <p className="soft">{say(arrive.pinHow)}</p>
            <Fault error={error} />
            {chosen === null ? (
              <>
                <PinField label={say(safe.pinNew)} value={first} onValue={setFirst} />
                <PinField
                  label={say(arrive.pinAgain)}
                  value={second}
                  onValue={setSecond}
                  autoFocus={false}
                  fault={fault}
                  onWhole={(typed) => {
                    setError(null);
                    if (typed !== first) {
                      setFault(say(arrive.pinDiffer));
                      return setSecond("");
                    }
                    setFault(null);
                    if (isSet) setChosen(typed);
                    else void set({ pin: typed });
                  }}
                />
              </>
            ) : (
              <FactorForm codeOnly label={say(safe.pinChange)} onFactor={async (factor) => ("code" in factor ? set({ pin: chosen, code: factor.code }) : undefined)} />
            )}
          </>
        )}
      </Shown>
    </Page>
  );
}
