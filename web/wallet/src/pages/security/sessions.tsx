// Where the account is signed in.

import { shownTime } from "@shared/time.ts";

import { api } from "../../api/client.ts";
import type { Device, PageOf, Session } from "../../api/types.ts";
import { useLoad } from "../../load.ts";
import { useAct } from "../../parts/act.ts";
import { Page } from "../../parts/page.tsx";
import { Sure } from "../../parts/sure.tsx";
import { Fault, Shown } from "../../parts/tell.tsx";
import { useSession } from "../../session.tsx";
import { useSettings } from "../../settings.tsx";
import { arrive } from "../../texts/arrive.ts";
import { safe } from "../../texts/safe.ts";

export default function Sessions() {
  const { say } = useSettings();
  const { leave } = useSession();
  const sessions = useLoad<PageOf<Session>>("/v1/wallet/sessions");
  const devices = useLoad<PageOf<Device>>("/v1/wallet/devices").value?.items ?? [];
  const { working, error, run } = useAct();
  const all = () => run(() => api("/v1/wallet/sessions", { method: "DELETE" })).then((ended) => (ended ? leave() : undefined));
  return (
    <Page title={say(safe.sessions)} back="/security">
      <Fault error={error} />
      <Shown of={sessions}>
        {({ items }) => (
          <ul className="list">
            {items.map((one) => (
              <li key={one.session_id}>
                <div className="cell">
                  <span className="text">
                    <span>
                      {devices.find((device) => device.device_id === one.device_id)?.name ?? say(arrive.signIn)} {one.current ? <span className="badge good">{say(safe.thisSession)}</span> : null}
                    </span>
                    <span className="sub">{say(safe.lastUsed, { at: shownTime(one.last_used_at, true).slice(0, 16) })}</span>
                  </span>
                  {one.current ? null : (
                    <button type="button" disabled={working} onClick={() => void run(() => api(`/v1/wallet/sessions/${one.session_id}`, { method: "DELETE" }))}>
                      {say(safe.end)}
                    </button>
                  )}
                </div>
              </li>
            ))}
          </ul>
        )}
      </Shown>
      <Sure ask={say(safe.endAll)} sure={say(safe.endAllSure)} disabled={working} onSure={() => void all()} />
    </Page>
  );
}
