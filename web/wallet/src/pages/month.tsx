// A month: what came and what went, by day, by kind, by other side. Totals are the platform's statement.

import { shownMoney } from "@shared/money.ts";
import { shownTime } from "@shared/time.ts";
import { useEffect, useState } from "react";

import { api, now } from "../api/client.ts";
import type { Movement, PageOf, Statement, Wallet } from "../api/types.ts";
import { useLoad } from "../load.ts";
import { beginOf, type DaySum, monthAfter, monthOf, spentByPlace, sumsByDay } from "../money/month.ts";
import { cny } from "../money/perform.tsx";
import { signedAmount, useOther } from "../parts/movements.tsx";
import { Page } from "../parts/page.tsx";
import { Empty, Fault, Shown, Tip } from "../parts/tell.tsx";
import { Link } from "../router.tsx";
import { useSettings } from "../settings.tsx";
import { kindText } from "../texts/common.ts";
import { records } from "../texts/records.ts";
import { useWallets } from "../wallets.ts";
import { NoWallet } from "./pay.tsx";

/** Pages of 100 movements that the charts count at most. */
const MOST_PAGES = 10;
/** The first month that is asked for. */
const FIRST = "2020-01";

export default function Month() {
  const { say } = useSettings();
  const wallets = useWallets();
  const [month, setMonth] = useState(() => monthOf(now()));
  const wallet = wallets.main;
  if (wallet === null) return <NoWallet loading={wallets.loading} error={wallets.error} />;
  return (
    <Page title={say(records.month)} back="/records" end={<Link to="/export" className="button plain">{say(records.export)}</Link>}>
      <div className="spread">
        <button type="button" aria-label={say(records.previous)} disabled={month <= FIRST} onClick={() => setMonth(monthAfter(month, -1))}>
          ‹
        </button>
        <h2 className="lead">{month}</h2>
        <button type="button" aria-label={say(records.next)} disabled={month >= monthOf(now())} onClick={() => setMonth(monthAfter(month, 1))}>
          ›
        </button>
      </div>
      <Figures key={`${wallet.wallet_id} ${month}`} wallet={wallet} month={month} />
    </Page>
  );
}

function Figures({ wallet, month }: { wallet: Wallet; month: string }) {
  const { say } = useSettings();
  const other = useOther();
  const statement = useLoad<Statement>(`/v1/wallet/wallets/${wallet.wallet_id}/statement?period=${month}&limit=1`);
  const [movements, setMovements] = useState<{ items: readonly Movement[]; partial: boolean } | null>(null);
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    let current = true;
    everything(wallet, month).then((found) => current && setMovements(found), (problem: unknown) => current && setError(problem));
    return () => {
      current = false;
    };
  }, [wallet, month]);
  const days = movements === null ? [] : sumsByDay(month, movements.items);
  const places = movements === null ? [] : spentByPlace(movements.items, other).slice(0, 8);
  return (
    <Shown of={statement}>
      {({ total_in, total_out, by_kind }) => (
        <>
          <div className="grid-2">
            <section className="card">
              <h2>{say(records.income)}</h2>
              <strong className="in">+{shownMoney(total_in.amount)}</strong>
              <span className="note">{say(records.count, { n: total_in.count })}</span>
            </section>
            <section className="card">
              <h2>{say(records.spending)}</h2>
              <strong>-{shownMoney(total_out.amount)}</strong>
              <span className="note">{say(records.count, { n: total_out.count })}</span>
            </section>
          </div>
          <Fault error={error} />
          {total_in.count + total_out.count === 0 ? (
            <Empty>{say(records.monthNone)}</Empty>
          ) : (
            <>
              {movements?.partial ? <Tip kind="warn">{say(records.partial, { n: movements.items.length })}</Tip> : null}
              <section className="card">
                <h2>{say(records.byDay)}</h2>
                <DayChart days={days} label={say(records.chart, { month })} />
                <details>
                  <summary>{say(records.day)}</summary>
                  <table className="table">
                    <thead>
                      <tr>
                        <th scope="col">{say(records.day)}</th>
                        <th scope="col">{say(records.income)}</th>
                        <th scope="col">{say(records.spending)}</th>
                      </tr>
                    </thead>
                    <tbody>
                      {days
                        .filter((day) => day.in + day.out > 0)
                        .map((day) => (
                          <tr key={day.day}>
                            <th scope="row">{day.day}</th>
                            <td>{shownMoney(cny(day.in))}</td>
                            <td>{shownMoney(cny(day.out))}</td>
                          </tr>
                        ))}
                    </tbody>
                  </table>
                </details>
              </section>
              <section className="card">
                <h2>{say(records.byKind)}</h2>
                <Shares rows={by_kind.map((one) => ({ name: `${say(kindText(one.kind))} · ${say(one.direction === "in" ? records.in : records.out)}`, amount: one.amount.amount, count: one.count }))} />
              </section>
              {places.length === 0 ? null : (
                <section className="card">
                  <h2>{say(records.byPlace)}</h2>
                  <Shares rows={places} />
                </section>
              )}
              <button type="button" onClick={() => print()}>
                {say(records.print)}
              </button>
              <table className="table printed">
                <caption>
                  {wallet.name} {wallet.wallet_id} {month}
                </caption>
                <tbody>
                  {movements?.items.map((one) => (
                    <tr key={`${one.id}-${one.direction}`}>
                      <td>{shownTime(one.at, true)}</td>
                      <td>{say(kindText(one.kind))}</td>
                      <td>{other(one)}</td>
                      <td>{signedAmount(one)}</td>
                      <td>{shownMoney(one.balance)}</td>
                      <td>{one.transaction_id}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </>
          )}
        </>
      )}
    </Shown>
  );
}

async function everything(wallet: Wallet, month: string): Promise<{ items: readonly Movement[]; partial: boolean }> {
  const range = `from=${encodeURIComponent(beginOf(month))}&to=${encodeURIComponent(beginOf(monthAfter(month, 1)))}`;
  const items: Movement[] = [];
  let after = "";
  for (let page = 0; page < MOST_PAGES; page++) {
    const found = await api<PageOf<Movement>>(`/v1/wallet/wallets/${wallet.wallet_id}/history?${range}&limit=100${after}`);
    items.push(...found.items);
    const last = found.items.at(-1);
    if (!found.has_more || last === undefined) return { items, partial: false };
    after = `&after=${last.id}`;
  }
  return { items, partial: true };
}

/** Two bars for each day: what came above the line, what went below it. */
function DayChart({ days, label }: { days: readonly DaySum[]; label: string }) {
  const most = Math.max(1, ...days.flatMap((day) => [day.in, day.out]));
  // The rim is for half of a label that stands under the first or the last day.
  const [width, half, rim] = [310, 60, 8];
  const step = width / Math.max(1, days.length);
  const height = (sum: number) => (sum === 0 ? 0 : Math.max(2, (sum / most) * half));
  return (
    <svg className="chart" viewBox={`${-rim} 0 ${width + 2 * rim} ${half * 2 + 20}`} role="img" aria-label={label}>
      {days.map(({ day, in: came, out: went }) => (
        <g key={day}>
          <rect x={(day - 1) * step + 1} width={step - 2} y={half - height(came)} height={height(came)} fill="var(--green)" />
          <rect x={(day - 1) * step + 1} width={step - 2} y={half + 1} height={height(went)} fill="var(--river)" />
          {day === 1 || day % 5 === 0 ? (
            <text x={(day - 0.5) * step} y={half * 2 + 15} textAnchor="middle">
              {day}
            </text>
          ) : null}
        </g>
      ))}
      <line x1="0" x2={width} y1={half + 0.5} y2={half + 0.5} stroke="var(--line)" />
    </svg>
  );
}

function Shares({ rows }: { rows: readonly { name: string; amount: number; count: number }[] }) {
  const { say } = useSettings();
  const most = Math.max(1, ...rows.map((row) => row.amount));
  return (
    <ul className="stack">
      {rows.map((row) => (
        <li key={row.name} className="part">
          <div className="spread">
            <span>{row.name}</span>
            <span>
              {shownMoney(cny(row.amount))} <span className="note">{say(records.count, { n: row.count })}</span>
            </span>
          </div>
          <div className="meter" aria-hidden="true">
            <svg viewBox="0 0 100 10" preserveAspectRatio="none">
              <rect width={(100 * row.amount) / most} height="10" fill="var(--river)" />
            </svg>
          </div>
        </li>
      ))}
    </ul>
  );
}
