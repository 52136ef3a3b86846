// Devices that are bound: which is this one, and away with the others.

import { shownTime } from "@shared/time.ts";

import { api } from "../../api/client.ts";
import type { Device, PageOf } from "../../api/types.ts";
import { useLoad } from "../../load.ts";
import { useAct } from "../../parts/act.ts";
import { Icon } from "../../parts/icons.tsx";
import { Page } from "../../parts/page.tsx";
import { Fault, Shown, Tip } from "../../parts/tell.tsx";
import { Sure } from "../../parts/sure.tsx";
import { Link } from "../../router.tsx";
import { useSigned } from "../../session.tsx";
import { useSettings } from "../../settings.tsx";
import { common } from "../../texts/common.ts";
import { safe } from "../../texts/safe.ts";

export default function Devices() {
  const { say } = useSettings();
  const { device } = useSigned();
  const devices = useLoad<PageOf<Device>>("/v1/wallet/devices");
  const { working, error, run } = useAct();
  return (
    <Page title={say(safe.devices)} back="/security">
      {device === null ? (
        <Tip kind="warn" title={say(common.noDevice)}>
          {say(common.noDeviceHow)}
          <Link to="/bind" className="button">
            {say(common.bindNow)}
          </Link>
        </Tip>
      ) : null}
      <p className="soft">{say(safe.removeHow)}</p>
      <Fault error={error} />
      <Shown of={devices}>
        {({ items }) => (
          <ul className="list">
            {items.map((one) => (
              <li key={one.device_id}>
                <div className="cell">
                  <Icon name="phone" />
                  <span className="text">
                    <span>
                      {one.name} {one.device_id === device?.device_id ? <span className="badge good">{say(safe.thisDevice)}</span> : null}
                    </span>
                    <span className="sub">
                      {say(safe.since, { at: shownTime(one.created_at, true).slice(0, 16) })} · <span className="mono">{one.key_id}</span>
                    </span>
                  </span>
                  {one.state === "REVOKED" ? (
                    <span className="badge">{say(safe.deviceGone)}</span>
                  ) : (
                    <Sure ask={say(safe.remove)} sure={say(safe.removeSure)} disabled={working} onSure={() => void run(() => api(`/v1/wallet/devices/${one.device_id}/revoke`, { method: "POST" }))} />
                  )}
                </div>
              </li>
            ))}
          </ul>
        )}
      </Shown>
    </Page>
  );
}
