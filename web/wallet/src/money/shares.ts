// Shares of a sum, in whole fen.

/** The most that one share of a red packet holds, fen: the platform's policy `red_packet_share_most`. */
export const SHARE_MOST = 20_000;

/** What each of `people` is asked for, and what stays with the asker, who shares alike and takes the rest. */
export function splitEvenly(total: number, people: number): { each: number; own: number } {
  const each = Math.floor(total / (people + 1));
  return { each, own: total - each * people };
}

/** Whether `total` can be put into `shares` red packets. */
export function packs(total: number, shares: number): boolean {
  return total >= shares && total <= shares * SHARE_MOST;
}
