// The inbox: what the person was told, newest first.

import { shownTime } from "@shared/time.ts";
import { useState } from "react";

import { api } from "../api/client.ts";
import type { Notice, PageOf } from "../api/types.ts";
import { count, useUnread } from "../live.ts";
import { useLoad } from "../load.ts";
import { useAct } from "../parts/act.ts";
import { Icon } from "../parts/icons.tsx";
import { Page } from "../parts/page.tsx";
import { Empty, Fault, Shown } from "../parts/tell.tsx";
import { Link } from "../router.tsx";
import { useSettings } from "../settings.tsx";
import { common } from "../texts/common.ts";
import { noticeText } from "../texts/notices.ts";
import { safe } from "../texts/safe.ts";

/** Where a notice leads. */
export function placeOf({ code, subject }: Notice): string | null {
  if (code === "CONFIRM_PAYMENT") return "/confirmations";
  if (code === "DEVICE_REQUEST") return "/approve";
  if (code === "SECURITY") return "/log";
  if (code === "TICKET_ANSWERED") return "/tickets";
  if (code.startsWith("DEBIT_")) return "/debits";
  if (code.startsWith("RED_PACKET_")) return "/packets";
  if (code === "PAYMENT_REQUESTED" || code.startsWith("REQUEST_")) return "/requests";
  if (code === "TRANSFER_COMING" || code === "TRANSFER_REVOKED") return null;
  return /^(?:ord|ref|tra|top|wdr|txn)_/.test(subject) ? `/record/${subject}` : null;
}

export default function Notices() {
  const { say, language } = useSettings();
  const list = useLoad<PageOf<Notice>>("/v1/wallet/notices?limit=50", { keepIt: true });
  const [later, setLater] = useState<PageOf<Notice> | null>(null);
  const { working, error, run } = useAct();
  const unread = useUnread();
  const read = (upTo: string) => void run(() => api("/v1/wallet/notices/read", { method: "POST", body: { up_to: upTo } })).then(count);
  return (
    <Page title={say(safe.notices)} back="/me">
      <Fault error={error} />
      <Shown of={list}>
        {(first) => {
          const items = [...first.items, ...(later?.items ?? [])];
          const [newest] = items;
          const more = async () => {
            const page = await api<PageOf<Notice>>(`/v1/wallet/notices?limit=50&after=${items.at(-1)?.id ?? ""}`);
            setLater({ items: [...(later?.items ?? []), ...page.items], has_more: page.has_more });
          };
          if (newest === undefined) return <Empty icon="bell">{say(safe.noticesNone)}</Empty>;
          return (
            <>
              {unread > 0 ? (
                <button type="button" disabled={working} onClick={() => read(newest.id)}>
                  {say(safe.readAll)}
                </button>
              ) : null}
              <ul className="list">
                {items.map((notice) => {
                  const { title, more: sub } = noticeText(notice, language);
                  const to = placeOf(notice);
                  const inside = (
                    <>
                      <Icon name="bell" />
                      <span className="text">
                        {notice.read_at ? <span>{title}</span> : <strong>{title}</strong>}
                        <span className="sub">
                          {shownTime(notice.created_at, true).slice(0, 16)} {sub === "" ? "" : `· ${sub}`}
                        </span>
                      </span>
                      {notice.read_at ? null : <span className="badge warn">{say(common.isUnread)}</span>}
                    </>
                  );
                  return <li key={notice.id}>{to === null ? <div className="cell">{inside}</div> : <Link to={to}>{inside}</Link>}</li>;
                })}
              </ul>
              {(later ?? first).has_more ? (
                <button type="button" onClick={() => void more()}>
                  {say(common.more)}
                </button>
              ) : null}
            </>
          );
        }}
      </Shown>
    </Page>
  );
}
