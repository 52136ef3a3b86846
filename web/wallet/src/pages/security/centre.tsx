// The security centre: what protects the account, and how it stands.

import { shownTime } from "@shared/time.ts";

import { now } from "../../api/client.ts";
import type { PinState } from "../../api/types.ts";
import { type Feature, useFeature } from "../../features.ts";
import { useLoad } from "../../load.ts";
import { Icon, type IconName } from "../../parts/icons.tsx";
import { Page } from "../../parts/page.tsx";
import { Tip } from "../../parts/tell.tsx";
import { Link } from "../../router.tsx";
import { useSettings } from "../../settings.tsx";
import { safe } from "../../texts/safe.ts";

/** After this a PIN is called old, milliseconds: a year. */
const OLD_MS = 365 * 86_400_000;

export default function Centre() {
  const { say } = useSettings();
  const pin = useLoad<PinState>("/v1/wallet/pin").value;
  const there: Readonly<Partial<Record<Feature, boolean | null>>> = {
    passkeys: useFeature("passkeys"),
    authenticator: useFeature("authenticator"),
    approval: useFeature("approval"),
    log: useFeature("log"),
    delays: useFeature("delays"),
  };
  const pinState = pin === undefined ? "" : pin.locked_for > 0 ? say(safe.pinLocked, { m: Math.ceil(pin.locked_for / 60) }) : pin.set ? say(safe.pinSet, { at: pin.changed_at ? shownTime(pin.changed_at, true).slice(0, 10) : "" }) : say(safe.pinUnset);
  const rows: readonly (readonly [string, IconName, string, string, Feature | null])[] = [
    ["/pin", "lock", say(safe.pin), pinState, null],
    ["/passkeys", "key", say(safe.passkeys), "", "passkeys"],
    ["/authenticator", "code", say(safe.authenticator), "", "authenticator"],
    ["/devices", "phone", say(safe.devices), "", null],
    ["/approve", "shield", say(safe.approve), "", "approval"],
    ["/sessions", "out", say(safe.sessions), "", null],
    ["/limits", "withdraw", say(safe.limits), "", "delays"],
    ["/identity", "me", say(safe.upgrade), "", null],
    ["/log", "records", say(safe.log), "", "log"],
  ];
  const old = pin?.changed_at ? now() - Date.parse(pin.changed_at) > OLD_MS : false;
  return (
    <Page title={say(safe.centre)} back="/me">
      <section className="tip warn">
        <strong>{say(safe.freeze)}</strong>
        <span>{say(safe.freezeHow)}</span>
        <Link to="/freeze" className="button danger">
          {say(safe.freeze)}
        </Link>
      </section>
      {old ? <Tip kind="warn" title={say(safe.pinOld)} /> : null}
      <ul className="list">
        {rows
          .filter(([, , , , feature]) => feature === null || there[feature] === true)
          .map(([to, icon, name, state]) => (
            <li key={to}>
              <Link to={to} className="go">
                <Icon name={icon} />
                <span className="text">
                  <span>{name}</span>
                  {state === "" ? null : <span className="sub">{state}</span>}
                </span>
              </Link>
            </li>
          ))}
      </ul>
      <section className="card prose">
        <h2>{say(safe.tips)}</h2>
        <ul className="stack">
          <li>{say(safe.tip1)}</li>
          <li>{say(safe.tip2)}</li>
          <li>{say(safe.tip3)}</li>
        </ul>
      </section>
    </Page>
  );
}
