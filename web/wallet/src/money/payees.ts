// People one has paid: kept on this device, to find them again and to know who is new.

import { keep, kept } from "../keep.ts";

/** How many are kept. */
const MOST = 12;

export interface KnownPayee {
  /** A phone number or a wallet id: what they are found by. */
  readonly by: string;
  readonly name: string;
  readonly at: number;
}

export async function knownPayees(): Promise<readonly KnownPayee[]> {
  return (await kept<readonly KnownPayee[]>("seen:payees")) ?? [];
}

export async function remember(payee: KnownPayee): Promise<void> {
  const others = (await knownPayees()).filter((one) => one.by !== payee.by);
  await keep("seen:payees", [payee, ...others].slice(0, MOST));
}
