// Movements in a list: who, what, when, how much. Whether money came or went is said by sign and word.

import { shownMoney } from "@shared/money.ts";
import { shownTime } from "@shared/time.ts";

import type { Movement } from "../api/types.ts";
import { Link } from "../router.tsx";
import { useSettings } from "../settings.tsx";
import { kindText } from "../texts/common.ts";

export function signedAmount({ amount, direction }: Pick<Movement, "amount" | "direction">): string {
  return `${direction === "in" ? "+" : "-"}${shownMoney(amount)}`;
}

/** Between people, with a bank holding the money meanwhile: its name would mislead. */
const HELD = ["red_packet", "red_packet_return"];

export function useOther(): (movement: Movement) => string {
  const { say, language } = useSettings();
  return ({ counterparty, kind }) => (HELD.includes(kind) ? undefined : language === "en" ? (counterparty.name_en ?? counterparty.name) : counterparty.name) ?? say(kindText(kind));
}

export function Movements({ items, withDay = true }: { items: readonly Movement[]; withDay?: boolean }) {
  const { say } = useSettings();
  const other = useOther();
  return (
    <ul className="list">
      {items.map((movement) => (
        <li key={`${movement.id}-${movement.direction}`}>
          <Link to={`/record/${movement.transaction_id}?of=${movement.wallet_id}&id=${movement.id}`}>
            <span className="text">
              <span>{other(movement)}</span>
              <span className="sub">
                {say(kindText(movement.kind))} · {shownTime(movement.at, withDay).slice(withDay ? 5 : 0, withDay ? 16 : 5)}
                {movement.memo ? ` · ${movement.memo}` : ""}
              </span>
            </span>
            <span className={`end ${movement.direction}`}>
              <strong>{signedAmount(movement)}</strong>
            </span>
          </Link>
        </li>
      ))}
    </ul>
  );
}
