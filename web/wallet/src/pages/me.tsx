// Everything about the person: where to, and out.

import { api } from "../api/client.ts";
import type { Profile } from "../api/types.ts";
import { useFeature } from "../features.ts";
import { useUnread } from "../live.ts";
import { useLoad } from "../load.ts";
import { Icon, type IconName } from "../parts/icons.tsx";
import { Page } from "../parts/page.tsx";
import { go, Link } from "../router.tsx";
import { useSession } from "../session.tsx";
import { useSettings } from "../settings.tsx";
import { classes, common } from "../texts/common.ts";
import { look } from "../texts/look.ts";
import { levels, safe } from "../texts/safe.ts";

export default function Me() {
  const { say } = useSettings();
  const { leave } = useSession();
  const profile = useLoad<Profile>("/v1/wallet/me", { keepIt: true });
  const unread = useUnread();
  const tickets = useFeature("tickets");
  const rows: readonly (readonly [string, IconName, string, (string | undefined)?])[] = [
    ["/notices", "bell", say(safe.notices), unread > 0 ? say(common.unread, { n: unread }) : undefined],
    ["/wallets", "records", say(safe.wallets)],
    ["/links", "bank", say(safe.banks)],
    ["/mandates", "subwallet", say(safe.mandates)],
    ["/debits", "bills", say(safe.debits)],
    ["/security", "shield", say(safe.centre)],
    ["/identity", "me", say(safe.identity)],
    ["/privacy", "privacy", say(safe.privacy)],
    ["/help", "help", say(safe.help)],
    ...(tickets === true ? [["/tickets", "request", say(safe.tickets)] as const] : []),
    ["/settings", "settings", say(look.title)],
  ];
  const me = profile.value;
  const out = async () => {
    // Ended here in any case: a server that cannot be reached ends it by itself in time.
    const { items } = await api<{ items: readonly { session_id: string; current: boolean }[] }>("/v1/wallet/sessions").catch(() => ({ items: [] }));
    const current = items.find((session) => session.current);
    if (current !== undefined) await api(`/v1/wallet/sessions/${current.session_id}`, { method: "DELETE" }).catch(() => {});
    await leave();
    go("/", { instead: true });
  };
  return (
    <Page title={say(safe.me)} back={null}>
      <section className="card">
        <p className="lead">{me?.name ?? me?.phone ?? "…"}</p>
        {me === undefined ? null : (
          <p className="soft">
            {me.phone} · {say(levels[me.level])} · {say(classes[me.wallet_class])}
          </p>
        )}
      </section>
      <ul className="list">
        {rows.map(([to, icon, name, more]) => (
          <li key={to}>
            <Link to={to} className="go">
              <Icon name={icon} />
              <span className="text">{name}</span>
              {more === undefined ? null : <span className="badge warn">{more}</span>}
            </Link>
          </li>
        ))}
      </ul>
      <button type="button" className="danger wide" onClick={() => void out()}>
        {say(safe.signOut)}
      </button>
    </Page>
  );
}
