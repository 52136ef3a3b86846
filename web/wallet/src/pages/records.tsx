// What happened to a wallet: filtered, searched, page after page. What was seen opens without network.

import { shownTime } from "@shared/time.ts";
import { useMemo, useState } from "react";

import { api } from "../api/client.ts";
import type { Movement, PageOf, Wallet } from "../api/types.ts";
import { useLoad } from "../load.ts";
import { Choice, Field, fenOf } from "../parts/fields.tsx";
import { Movements } from "../parts/movements.tsx";
import { Page } from "../parts/page.tsx";
import { Empty, Fault, Shown, Tip } from "../parts/tell.tsx";
import { WalletChoice } from "../parts/wallet-choice.tsx";
import { Link } from "../router.tsx";
import { useSettings } from "../settings.tsx";
import { common, kinds } from "../texts/common.ts";
import { home } from "../texts/home.ts";
import { records } from "../texts/records.ts";
import { useWallets } from "../wallets.ts";
import { NoWallet } from "./pay.tsx";

const PAGE = 30;
const KINDS = ["payment", "refund", "transfer", "top_up", "withdrawal", "red_packet"] as const;

interface Filter {
  readonly kind: string;
  readonly direction: "" | "in" | "out";
  readonly from: string;
  readonly to: string;
  readonly least: string;
  readonly most: string;
  readonly reference: string;
}

const ALL: Filter = { kind: "", direction: "", from: "", to: "", least: "", most: "", reference: "" };

/** The query of a filter; a day begins and ends at UTC+8. */
export function queryOf({ kind, direction, from, to, least, most, reference }: Filter): string {
  const query = new URLSearchParams();
  if (kind !== "") query.set("kind", kind);
  if (direction !== "") query.set("direction", direction);
  if (from !== "") query.set("from", `${from}T00:00:00+08:00`);
  if (to !== "") query.set("to", new Date(Date.parse(`${to}T00:00:00+08:00`) + 86_400_000).toISOString());
  const [low, high] = [fenOf(least), fenOf(most)];
  if (low !== null) query.set("min_amount", String(low));
  if (high !== null) query.set("max_amount", String(high));
  if (reference.trim() !== "") query.set("reference", reference.trim());
  return query.toString();
}

export default function Records() {
  const { say } = useSettings();
  const wallets = useWallets();
  const [filter, setFilter] = useState(ALL);
  const [searched, setSearched] = useState("");
  const wallet = wallets.main;
  if (wallet === null) return <NoWallet loading={wallets.loading} error={wallets.error} />;
  const change = (part: Partial<Filter>) => setFilter({ ...filter, ...part });
  return (
    <Page
      title={say(records.title)}
      back={null}
      end={
        <Link to="/month" className="button plain">
          {say(records.month)}
        </Link>
      }
    >
      <WalletChoice label={say(common.wallet)} wallets={wallets.items} value={wallet} onValue={wallets.choose} />
      <form
        onSubmit={(event) => {
          event.preventDefault();
          change({ reference: searched });
        }}
      >
        <Field label={say(records.search)} type="search" value={searched} onValue={(typed) => (setSearched(typed), typed === "" && change({ reference: "" }))} maxLength={64} autoComplete="off" enterKeyHint="search" />
      </form>
      <details>
        <summary>{say(records.filters)}</summary>
        <div className="stack">
          <Choice
            label={say(records.kind)}
            value={filter.kind}
            onValue={(kind) => change({ kind })}
            options={[["", say(common.all)], ...KINDS.map((kind) => [kind, say(kinds[kind])] as const)]}
          />
          <Choice<Filter["direction"]>
            label={say(records.direction)}
            value={filter.direction}
            onValue={(direction) => change({ direction })}
            options={[
              ["", say(common.all)],
              ["in", say(records.in)],
              ["out", say(records.out)],
            ]}
          />
          <div className="grid-2">
            <Field label={say(records.from)} type="date" value={filter.from} onValue={(from) => change({ from })} />
            <Field label={say(records.to)} type="date" value={filter.to} onValue={(to) => change({ to })} />
            <Field label={say(records.least)} inputMode="decimal" value={filter.least} onValue={(least) => change({ least })} maxLength={12} />
            <Field label={say(records.most)} inputMode="decimal" value={filter.most} onValue={(most) => change({ most })} maxLength={12} />
          </div>
          <Link to="/export">{say(records.export)}</Link>
        </div>
      </details>
      <Listed key={`${wallet.wallet_id}?${queryOf(filter)}`} wallet={wallet} query={queryOf(filter)} />
    </Page>
  );
}

function Listed({ wallet, query }: { wallet: Wallet; query: string }) {
  const { say } = useSettings();
  const base = `/v1/wallet/wallets/${wallet.wallet_id}/history?limit=${PAGE}${query === "" ? "" : `&${query}`}`;
  const first = useLoad<PageOf<Movement>>(base, { keepIt: query === "" });
  const [later, setLater] = useState<PageOf<Movement> | null>(null);
  const [error, setError] = useState<unknown>(null);
  const items = useMemo(() => [...(first.value?.items ?? []), ...(later?.items ?? [])], [first.value, later]);
  const last = later ?? first.value;
  const more = async () => {
    const end = items.at(-1);
    if (end === undefined) return;
    setError(null);
    try {
      const page = await api<PageOf<Movement>>(`${base}&after=${end.id}`);
      setLater({ items: [...(later?.items ?? []), ...page.items], has_more: page.has_more });
    } catch (problem) {
      setError(problem);
    }
  };
  const days = useMemo(() => byDay(items), [items]);
  return (
    <>
      {first.error && first.value !== undefined ? <Tip kind="warn">{say(records.onlySeen)}</Tip> : null}
      <Shown of={first}>
        {() =>
          items.length === 0 ? (
            <Empty>{query === "" ? <p>{say(home.noRecent)}</p> : <p>{say(records.none)}</p>}</Empty>
          ) : (
            days.map(([day, movements]) => (
              <section className="part" key={day}>
                <h2 className="day">{day}</h2>
                <Movements items={movements} withDay={false} />
              </section>
            ))
          )
        }
      </Shown>
      <Fault error={error} />
      {last?.has_more ? (
        <button type="button" onClick={() => void more()}>
          {say(common.more)}
        </button>
      ) : null}
    </>
  );
}

/** Movements under their day, UTC+8, in the order they came. */
export function byDay(items: readonly Movement[]): [string, Movement[]][] {
  const days = new Map<string, Movement[]>();
  for (const movement of items) {
    const day = shownTime(movement.at, true).slice(0, 10);
    const list = days.get(day);
    if (list === undefined) days.set(day, [movement]);
    else list.push(movement);
  }
  return [...days];
}
