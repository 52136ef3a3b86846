// Receiving: one's own code, with or without an amount, and the word when money arrives.

import { shownMoney } from "@shared/money.ts";
import { useCallback, useState } from "react";

import type { Notice } from "../api/types.ts";
import { useFeature } from "../features.ts";
import { useNotices } from "../live.ts";
import { useLoad } from "../load.ts";
import { personalLink } from "../money/payload.ts";
import { cny } from "../money/perform.tsx";
import { AmountField, fenOf } from "../parts/fields.tsx";
import { Page } from "../parts/page.tsx";
import { Qr } from "../parts/qr.tsx";
import { Tip } from "../parts/tell.tsx";
import { WalletChoice } from "../parts/wallet-choice.tsx";
import { Link } from "../router.tsx";
import { useSettings } from "../settings.tsx";
import { common } from "../texts/common.ts";
import { pay } from "../texts/pay.ts";
import { noticeText } from "../texts/notices.ts";
import { useWallets } from "../wallets.ts";
import type { Movement, PageOf, Wallet } from "../api/types.ts";
import { NoWallet } from "./pay.tsx";

export default function Receive() {
  const { say } = useSettings();
  const wallets = useWallets();
  if (wallets.main === null) return <NoWallet loading={wallets.loading} error={wallets.error} />;
  return (
    <Page title={say(pay.receive)}>
      <WalletChoice label={say(pay.receive)} wallets={wallets.items} value={wallets.main} onValue={wallets.choose} />
      <Card key={wallets.main.wallet_id} wallet={wallets.main} />
    </Page>
  );
}

function Card({ wallet }: { wallet: Wallet }) {
  const { say, language } = useSettings();
  const [typed, setTyped] = useState("");
  const [asking, setAsking] = useState(false);
  const [copied, setCopied] = useState(false);
  const [heard, setHeard] = useState<Notice | null>(null);
  const [since] = useState(() => new Date().toISOString());
  const requests = useFeature("requests");
  const splits = useFeature("splits");
  useNotices(useCallback((notice: Notice) => ["TRANSFER_RECEIVED", "REQUEST_PAID", "RED_PACKET_RECEIVED"].includes(notice.code) && setHeard(notice), []));
  // Also where the server has no stream: what came into this wallet since the page was opened.
  const arrived = useLoad<PageOf<Movement>>(`/v1/wallet/wallets/${wallet.wallet_id}/history?direction=in&from=${encodeURIComponent(since)}&limit=5`);
  const fen = asking ? fenOf(typed) : null;
  const link = personalLink(location.origin, wallet.wallet_id, fen);
  const share = async () => {
    try {
      if (navigator.share) await navigator.share({ url: link, title: say(common.name) });
      else {
        await navigator.clipboard.writeText(link);
        setCopied(true);
      }
    } catch {
      // They closed the sheet.
    }
  };
  return (
    <>
      <div role="status" className="stack">
        {arrived.value?.items.map((movement) => (
          <Tip key={movement.id} kind="good" title={`✓ ${say(pay.arrived, { amount: shownMoney(movement.amount), who: movement.counterparty.name ?? say(common.somebody) })}`} />
        ))}
        {heard !== null && arrived.value?.items.length === 0 ? <Tip kind="good" title={noticeText(heard, language).title} /> : null}
      </div>
      <section className="paper">
        {fen === null ? null : <p className="sum">{shownMoney(cny(fen))}</p>}
        <Qr text={link} label={say(pay.receiveLabel)} />
        <p className="dark">{wallet.name}</p>
      </section>
      <p className="soft center">{say(pay.receiveHow)}</p>
      {asking ? <AmountField label={say(pay.setAmount)} value={typed} onValue={setTyped} autoFocus fault={typed !== "" && fen === null ? say(common.amountFault) : null} /> : null}
      <div className="grid-2">
        <button type="button" onClick={() => (setAsking(!asking), setTyped(""))}>
          {say(asking ? pay.noAmount : pay.setAmount)}
        </button>
        <button type="button" onClick={() => void share()}>
          {say(copied ? common.copied : pay.share)}
        </button>
      </div>
      {requests === true ? (
        <Link to="/requests/new" className="button">
          {say(pay.requestInstead)}
        </Link>
      ) : null}
      {splits === true ? (
        <Link to="/splits/new" className="button">
          {say(pay.splitInstead)}
        </Link>
      ) : null}
      <p className="note center">{say(pay.listening)}</p>
    </>
  );
}
