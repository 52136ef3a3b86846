// The person's wallets, and the one that pays unless another is chosen.

import { useCallback, useState } from "react";

import type { PageOf, Wallet } from "./api/types.ts";
import { type Loaded, useLoad } from "./load.ts";

const KEPT = "wallet-main";

function keptMain(): string | null {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

/** The wallet that was chosen, else the first that can pay, else the first there is. */
export function mainOf(wallets: readonly Wallet[], chosen: string | null): Wallet | null {
  const open = wallets.filter((wallet) => wallet.status !== "CLOSED");
  return open.find((wallet) => wallet.wallet_id === chosen) ?? open.findLast((wallet) => wallet.status === "ACTIVE") ?? open[0] ?? null;
}

export interface Wallets extends Loaded<PageOf<Wallet>> {
  readonly items: readonly Wallet[];
  readonly main: Wallet | null;
  readonly choose: (id: string) => void;
}

export function useWallets(): Wallets {
  const loaded = useLoad<PageOf<Wallet>>("/v1/wallet/wallets", { keepIt: true });
  const [chosen, setChosen] = useState(keptMain);
  const choose = useCallback((id: string) => {
    setChosen(id);
    try {
      localStorage.setItem(KEPT, id);
    } catch {
      // Then it is chosen anew next time.
    }
  }, []);
  const items = loaded.value?.items ?? [];
  return { ...loaded, items, main: mainOf(items, chosen), choose };
}
