// Money: whole fen in, text out. No floating point on the way.

/** An amount as the API writes it. */
export interface Money {
  readonly amount: number;
  readonly currency: string;
}

/** Fen as yuan with two decimals and thousands: `1234567` is `12,345.67`. Exact for every safe integer. */
export function yuan(fen: number): string {
  if (!Number.isSafeInteger(fen)) throw new RangeError(`${fen} is no whole number of fen`);
  const digits = Math.abs(fen).toString().padStart(3, "0");
  const whole = digits.slice(0, -2).replace(/\B(?=(\d{3})+$)/g, ",");
  return `${fen < 0 ? "-" : ""}${whole}.${digits.slice(-2)}`;
}

/** With the sign of the yuan where it is yuan, else with the currency's code. */
export function shownMoney({ amount, currency }: Money): string {
  if (currency !== "CNY") return `${yuan(amount)} ${currency}`;
  return amount < 0 ? `-¥${yuan(-amount)}` : `¥${yuan(amount)}`;
}
