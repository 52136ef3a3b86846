// One's transfers, with those on their way that can be taken back.

import { shownMoney } from "@shared/money.ts";
import { shownTime } from "@shared/time.ts";
import { useState } from "react";

import { api } from "../api/client.ts";
import type { PageOf, Transfer } from "../api/types.ts";
import { moved, useLoad } from "../load.ts";
import { Page } from "../parts/page.tsx";
import { Empty, Fault, Shown, Tip } from "../parts/tell.tsx";
import { Link } from "../router.tsx";
import { useSettings } from "../settings.tsx";
import { moving, transferStates } from "../texts/moving.ts";
import { reasonText } from "../texts/problems.ts";

export default function Transfers() {
  const { say, language } = useSettings();
  const list = useLoad<PageOf<Transfer>>("/v1/wallet/transfers?limit=50");
  const [error, setError] = useState<unknown>(null);
  const [done, setDone] = useState(false);
  const revoke = async (id: string) => {
    setError(null);
    try {
      await api(`/v1/wallet/transfers/${id}/revoke`, { method: "POST" });
      setDone(true);
      moved();
    } catch (problem) {
      setError(problem);
    }
  };
  return (
    <Page title={say(moving.records)} back="/transfer">
      <Fault error={error} />
      {done ? <Tip kind="good" title={say(moving.revoked)} alert /> : null}
      <Shown of={list}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty icon="transfer">{say(moving.none)}</Empty>
          ) : (
            <ul className="list">
              {items.map((one) => (
                <li key={one.id}>
                  <div className="cell">
                    <span className="text">
                      <span>{one.transaction_id ? <Link to={`/record/${one.transaction_id}`}>{one.payee_name}</Link> : one.payee_name}</span>
                      <span className="sub">
                        {say(transferStates[one.state])} · {shownTime(one.created_at, true).slice(5, 16)}
                        {one.arrives_at && one.state === "PENDING" ? ` → ${shownTime(one.arrives_at, true).slice(5, 16)}` : ""}
                        {one.problem ? ` · ${reasonText(one.problem, language).title}` : ""}
                      </span>
                    </span>
                    <span className="end">
                      <strong>{shownMoney(one.amount)}</strong>
                      {one.state === "PENDING" ? (
                        <button type="button" onClick={() => void revoke(one.id)}>
                          {say(moving.revoke)}
                        </button>
                      ) : null}
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
