// Which of one's wallets: shown where there are several.

import { shownMoney } from "@shared/money.ts";

import type { Wallet } from "../api/types.ts";
import { useSettings } from "../settings.tsx";

export function WalletChoice({ label, wallets, value, onValue }: { label: string; wallets: readonly Wallet[]; value: Wallet; onValue: (id: string) => void }) {
  const { hidden } = useSettings();
  const open = wallets.filter((wallet) => wallet.status !== "CLOSED");
  if (open.length < 2) return null;
  return (
    <div className="field">
      <label htmlFor="wallet-choice">{label}</label>
      <select id="wallet-choice" value={value.wallet_id} onChange={(event) => onValue(event.target.value)}>
        {open.map((wallet) => (
          <option key={wallet.wallet_id} value={wallet.wallet_id}>
            {wallet.name} {hidden ? "" : shownMoney(wallet.available)}
          </option>
        ))}
      </select>
    </div>
  );
}
