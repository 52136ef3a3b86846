// Top-ups and withdrawals and how far they are: `/exchange/top_up`, `/exchange/withdraw/wdr_…`.

import { shownMoney } from "@shared/money.ts";
import { shownTime } from "@shared/time.ts";
import { useEffect } from "react";

import type { Exchange, PageOf } from "../api/types.ts";
import { useLoad } from "../load.ts";
import { Fact } from "../money/perform.tsx";
import { Page } from "../parts/page.tsx";
import { Empty, Shown, Tip } from "../parts/tell.tsx";
import { Link } from "../router.tsx";
import { useSettings } from "../settings.tsx";
import { common } from "../texts/common.ts";
import { exchangeStates, moving } from "../texts/moving.ts";
import { reasonText } from "../texts/problems.ts";

/** Between two looks at one that is not over, milliseconds. */
const LOOK_MS = 2_000;
const OVER = ["SUCCESS", "FAIL", "RETURNED"];

export default function Exchanged({ rest }: { rest: string }) {
  const { say } = useSettings();
  const [direction = "", id] = rest.split("/");
  const up = direction === "top_up";
  const base = up ? "/v1/wallet/topups" : "/v1/wallet/withdrawals";
  if (id !== undefined) return <One path={`${base}/${encodeURIComponent(id)}`} up={up} back={`/exchange/${direction}`} />;
  return (
    <Page title={say(up ? moving.topup : moving.withdraw)} back={up ? "/topup" : "/withdraw"}>
      <All base={base} direction={direction} />
    </Page>
  );
}

function All({ base, direction }: { base: string; direction: string }) {
  const { say } = useSettings();
  const list = useLoad<PageOf<Exchange>>(`${base}?limit=50`);
  return (
    <Shown of={list}>
      {({ items }) =>
        items.length === 0 ? (
          <Empty icon="bank">{say(common.nothing)}</Empty>
        ) : (
          <ul className="list">
            {items.map((one) => (
              <li key={one.topup_id ?? one.withdrawal_id}>
                <Link to={`/exchange/${direction}/${one.topup_id ?? one.withdrawal_id}`}>
                  <span className="text">
                    <span>{say(exchangeStates[one.state][0])}</span>
                    <span className="sub">{shownTime(one.created_at, true)}</span>
                  </span>
                  <span className="end">
                    <strong>{shownMoney(one.amount)}</strong>
                  </span>
                </Link>
              </li>
            ))}
          </ul>
        )
      }
    </Shown>
  );
}

function One({ path, up, back }: { path: string; up: boolean; back: string }) {
  const { say, language } = useSettings();
  const one = useLoad<Exchange>(path);
  const over = one.value !== undefined && OVER.includes(one.value.state);
  const { reload } = one;
  useEffect(() => {
    if (over) return;
    const timer = setInterval(reload, LOOK_MS);
    return () => clearInterval(timer);
  }, [over, reload]);
  return (
    <Page title={say(up ? moving.topup : moving.withdraw)} back={back}>
      <Shown of={one}>
        {(exchange) => {
          const [state, how] = exchangeStates[exchange.state];
          const kind = exchange.state === "SUCCESS" ? "good" : over ? "bad" : "wait";
          return (
            <>
              <p className={`sign ${kind}`} aria-hidden="true">
                {kind === "good" ? "✓" : kind === "bad" ? "✕" : "…"}
              </p>
              <h2 className="lead center" role="status">
                {say(state)}
              </h2>
              <p className="sum">{shownMoney(exchange.amount)}</p>
              <p className="center soft">{say(how)}</p>
              {exchange.reason ? (
                <Tip kind="bad" title={reasonText(exchange.reason, language).title}>
                  {reasonText(exchange.reason, language).more}
                </Tip>
              ) : null}
              <ol className="steps">
                <li data-done="true">{say(moving.accepted)}</li>
                <li data-done={exchange.state !== "ACCEPTED"}>{say(moving.withBank)}</li>
                <li data-done={over}>{over ? say(state) : say(moving.ended)}</li>
              </ol>
              <section className="card">
                <dl className="facts">
                  <Fact name={say(common.time)} value={shownTime(exchange.created_at, true)} />
                  {exchange.settled_at ? <Fact name={say(moving.ended)} value={shownTime(exchange.settled_at, true)} /> : null}
                  <Fact name="ID" value={<span className="mono">{exchange.topup_id ?? exchange.withdrawal_id}</span>} />
                </dl>
              </section>
            </>
          );
        }}
      </Shown>
    </Page>
  );
}
