// What stands around the pages of somebody who is signed in: the tabs at the foot, and the live ear.

import type { ReactNode } from "react";

import { useLive, useUnread } from "./live.ts";
import { Icon, type IconName } from "./parts/icons.tsx";
import { Link } from "./router.tsx";
import { useSettings } from "./settings.tsx";
import { common } from "./texts/common.ts";

const TABS = [
  ["/", "home", common.tabHome],
  ["/code", "code", common.tabCode],
  ["/records", "records", common.tabRecords],
  ["/me", "me", common.tabMe],
] as const satisfies readonly (readonly [string, IconName, unknown])[];

export function Frame({ path, children }: { path: string; children: ReactNode }) {
  const { say } = useSettings();
  useLive();
  const unread = useUnread();
  const tabbed = TABS.some(([to]) => to === path);
  return (
    <>
      <a className="skip" href="#main">
        {say(common.skip)}
      </a>
      {children}
      {!tabbed ? null : (
        <nav className="tabs" aria-label={say(common.tabs)}>
          {TABS.map(([to, icon, name]) => (
            <Link key={to} to={to} aria-current={to === path ? "page" : undefined}>
              <Icon name={icon} />
              {say(name)}
              {to === "/me" && unread > 0 ? (
                <span className="dot" aria-label={say(common.unread, { n: unread })}>
                  {unread > 99 ? "99+" : unread}
                </span>
              ) : null}
            </Link>
          ))}
        </nav>
      )}
    </>
  );
}
