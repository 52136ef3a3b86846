// The person's wallets, and the one that pays unless another is chosen.

import type { Language } from "@shared/language.ts";
import { useCallback, useMemo, useState } from "react";

import type { Institution, PageOf, Wallet } from "./api/types.ts";
import { type Loaded, useLoad } from "./load.ts";
import { useSettings } from "./settings.tsx";

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

/** A wallet that bears its bank's name bears it in the reader's language; one that its owner named keeps its own. */
export function named(wallet: Wallet, banks: readonly Institution[], language: Language): Wallet {
  const bank = banks.find((one) => one.code === wallet.institution);
  return bank !== undefined && wallet.name === bank.name_zh && language === "en" ? { ...wallet, name: bank.name_en } : wallet;
}

export interface Wallets extends Loaded<PageOf<Wallet>> {
  readonly items: readonly Wallet[];
  readonly main: Wallet | null;
  readonly choose: (id: string) => void;
}

export function useWallets(): Wallets {
  const { language } = useSettings();
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
  const banks = useLoad<PageOf<Institution>>("/v1/public/institutions", { keepIt: true }).value?.items;
  const items = useMemo(() => (loaded.value?.items ?? []).map((wallet) => named(wallet, banks ?? [], language)), [loaded.value, banks, language]);
  return { ...loaded, items, main: mainOf(items, chosen), choose };
}
