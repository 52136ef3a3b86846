// Opening a red packet: `/r/TOKEN`, for whoever has the link.

import { shownMoney } from "@shared/money.ts";
import { useEffect } from "react";

import { api } from "../api/client.ts";
import type { SeenPacket } from "../api/social.ts";
import { useLoad } from "../load.ts";
import { useAct } from "../parts/act.ts";
import { Page } from "../parts/page.tsx";
import { Fault, Shown, Tip } from "../parts/tell.tsx";
import { Link } from "../router.tsx";
import { useSettings } from "../settings.tsx";
import { common } from "../texts/common.ts";
import { social } from "../texts/social.ts";
import { useWallets } from "../wallets.ts";

const LOOK_MS = 1_500;

export default function OpenPacket({ rest }: { rest: string }) {
  const { say } = useSettings();
  const wallets = useWallets();
  const path = `/v1/wallet/red-packets/tokens/${encodeURIComponent(rest)}`;
  const seen = useLoad<SeenPacket>(path);
  const { working, error, run } = useAct();
  const coming = seen.value?.mine?.state === "PROCESSING";
  const { reload } = seen;
  useEffect(() => {
    if (!coming) return;
    const timer = setInterval(reload, LOOK_MS);
    return () => clearInterval(timer);
  }, [coming, reload]);
  // Claimed again, the platform answers the same claim: a lost answer costs nothing.
  const claim = () => run(() => api(`${path}/claim`, { method: "POST", body: wallets.main === null ? {} : { wallet_id: wallets.main.wallet_id } })).then(() => reload());
  return (
    <Page title={say(social.packets)}>
      <Shown of={seen}>
        {(packet) => (
          <section className="packet">
            <p className="lead">{say(social.packetFrom, { who: packet.sender_name })}</p>
            <p>{packet.greeting}</p>
            {packet.mine ? (
              <>
                <p className="sum">{shownMoney(packet.mine.amount)}</p>
                <p role="status">{say(coming ? social.packetWorking : social.packetGot, { amount: shownMoney(packet.mine.amount) })}</p>
              </>
            ) : packet.state === "OPEN" ? (
              <button type="button" className="open" disabled={working} onClick={() => void claim()}>
                {say(social.packetOpen)}
              </button>
            ) : (
              <Tip title={say(packet.state === "EMPTY" ? social.packetEmpty : social.packetOver)} />
            )}
          </section>
        )}
      </Shown>
      <Fault error={error} />
      <Link to="/" className="button wide">
        {say(common.toHome)}
      </Link>
    </Page>
  );
}
