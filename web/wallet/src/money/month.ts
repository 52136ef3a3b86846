// A month's figures out of its movements: whole fen, by day and by other side.

import { shownTime } from "@shared/time.ts";

import type { Movement } from "../api/types.ts";

export interface DaySum {
  readonly day: number;
  readonly in: number;
  readonly out: number;
}

/** `2026-11` of an instant, UTC+8. */
export function monthOf(at: number): string {
  return shownTime(at, true).slice(0, 7);
}

/** The month `by` months after `month`. */
export function monthAfter(month: string, by: number): string {
  const [year = 0, number = 1] = month.split("-").map(Number);
  const months = year * 12 + number - 1 + by;
  return `${Math.floor(months / 12)}-${String((months % 12) + 1).padStart(2, "0")}`;
}

export function daysIn(month: string): number {
  const [year = 0, number = 1] = month.split("-").map(Number);
  return new Date(Date.UTC(year, number, 0)).getUTCDate();
}

/** The first instant of the month, RFC 3339. */
export function beginOf(month: string): string {
  return `${month}-01T00:00:00+08:00`;
}

export function sumsByDay(month: string, movements: readonly Movement[]): DaySum[] {
  const days = Array.from({ length: daysIn(month) }, (_, place) => ({ day: place + 1, in: 0, out: 0 }));
  for (const { at, amount, direction } of movements) {
    const shown = shownTime(at, true);
    const day = shown.slice(0, 7) === month ? days[Number(shown.slice(8, 10)) - 1] : undefined;
    if (day !== undefined) day[direction] += amount.amount;
  }
  return days;
}

export interface PlaceSum {
  readonly name: string;
  readonly amount: number;
  readonly count: number;
}

/** What was spent, by whom it went to, the most first. A refund counts against its shop. */
export function spentByPlace(movements: readonly Movement[], nameOf: (movement: Movement) => string): PlaceSum[] {
  const places = new Map<string, { name: string; amount: number; count: number }>();
  for (const movement of movements) {
    const back = movement.kind === "refund" && movement.direction === "in";
    if (movement.direction === "in" && !back) continue;
    const place = places.get(movement.counterparty.reference) ?? { name: nameOf(movement), amount: 0, count: 0 };
    place.amount += back ? -movement.amount.amount : movement.amount.amount;
    place.count += back ? 0 : 1;
    places.set(movement.counterparty.reference, place);
  }
  return [...places.values()].filter((place) => place.amount > 0).sort((a, b) => b.amount - a.amount);
}
