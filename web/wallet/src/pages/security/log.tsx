// Everything that touched the account's safety, newest first.

import { shownTime } from "@shared/time.ts";

import type { PageOf } from "../../api/types.ts";
import { useLoad } from "../../load.ts";
import { Page } from "../../parts/page.tsx";
import { Empty, Shown } from "../../parts/tell.tsx";
import { useSettings } from "../../settings.tsx";
import { eventText } from "../../texts/notices.ts";
import { safe } from "../../texts/safe.ts";

interface SecurityEvent {
  readonly id: string;
  readonly event: string;
  readonly subject?: string;
  readonly at: string;
}

export default function SecurityLog() {
  const { say, language } = useSettings();
  const log = useLoad<PageOf<SecurityEvent>>("/v1/wallet/security-log?limit=100");
  return (
    <Page title={say(safe.log)} back="/security">
      <Shown of={log}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty icon="shield">{say(safe.logNone)}</Empty>
          ) : (
            <ul className="list">
              {items.map((one) => (
                <li key={one.id}>
                  <div className="cell">
                    <span className="text">
                      <span>{eventText(one.event, language)}</span>
                      <span className="sub">
                        {shownTime(one.at, true)} <span className="mono">{one.subject?.slice(-8)}</span>
                      </span>
                    </span>
                  </div>
                </li>
              ))}
            </ul>
          )
        }
      </Shown>
    </Page>
  );
}
