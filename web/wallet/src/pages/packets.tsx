// Red packets: sending one, and what became of them. `/packets/new`, `/packets/rpk_…`.

import { shownMoney } from "@shared/money.ts";
import { shownTime } from "@shared/time.ts";
import { type FormEvent, useState } from "react";

import type { Claim, RedPacket } from "../api/social.ts";
import type { PageOf } from "../api/types.ts";
import { makeNonce } from "../device.ts";
import { useLoad } from "../load.ts";
import type { Intent } from "../money/acts.ts";
import { cny, Perform } from "../money/perform.tsx";
import { packs } from "../money/shares.ts";
import { AmountField, Choice, Field, fenOf } from "../parts/fields.tsx";
import { Page } from "../parts/page.tsx";
import { Qr } from "../parts/qr.tsx";
import { Empty, Shown, Tip } from "../parts/tell.tsx";
import { WalletChoice } from "../parts/wallet-choice.tsx";
import { BASE, Link } from "../router.tsx";
import { useSettings } from "../settings.tsx";
import { acting } from "../texts/acting.ts";
import { common } from "../texts/common.ts";
import { pay } from "../texts/pay.ts";
import { social } from "../texts/social.ts";
import { useWallets } from "../wallets.ts";
import { NoWallet } from "./pay.tsx";

export default function Packets({ rest }: { rest: string }) {
  if (rest === "new") return <New />;
  return rest === "" ? <All /> : <One id={rest} />;
}

function All() {
  const { say } = useSettings();
  const sent = useLoad<PageOf<RedPacket>>("/v1/wallet/red-packets");
  const got = useLoad<PageOf<Claim>>("/v1/wallet/red-packets/claims");
  return (
    <Page title={say(social.packets)}>
      <Link to="/packets/new" className="button primary wide">
        {say(social.packetNew)}
      </Link>
      <section className="part">
        <h2>{say(social.packetsSent)}</h2>
        <Shown of={sent}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty icon="packet">{say(social.packetsNone)}</Empty>
            ) : (
              <ul className="list">
                {items.map((packet) => (
                  <li key={packet.id}>
                    <Link to={`/packets/${packet.id}`} className="go">
                      <span className="text">
                        <span>
                          {say(social[packet.kind])} · {say(social[packet.state])}
                        </span>
                        <span className="sub">{say(social.packetState, { n: packet.claimed_shares, of: packet.shares, amount: shownMoney(packet.claimed) })}</span>
                      </span>
                      <strong>{shownMoney(packet.amount)}</strong>
                    </Link>
                  </li>
                ))}
              </ul>
            )
          }
        </Shown>
      </section>
      {got.value && got.value.items.length > 0 ? (
        <section className="part">
          <h2>{say(social.packetsGot)}</h2>
          <ul className="list">
            {got.value.items.map((claim) => (
              <li key={claim.id}>
                <div className="cell">
                  <span className="text">{shownTime(claim.at, true).slice(0, 16)}</span>
                  <strong className="in">+{shownMoney(claim.amount)}</strong>
                </div>
              </li>
            ))}
          </ul>
        </section>
      ) : null}
    </Page>
  );
}

/** The packet's address, as this app opens it. */
export function PacketLink({ token }: { token: string }) {
  const { say } = useSettings();
  const [copied, setCopied] = useState(false);
  const link = `${location.origin}${BASE}/r/${token}`;
  const share = async () => {
    try {
      if (navigator.share) await navigator.share({ url: link });
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
      <section className="paper">
        <Qr text={link} label={say(social.packetLabel)} />
      </section>
      <p className="mono center" data-link={link}>
        {link}
      </p>
      <p className="soft center">{say(social.packetShare)}</p>
      <button type="button" className="wide" onClick={() => void share()}>
        {say(copied ? common.copied : pay.share)}
      </button>
    </>
  );
}

function One({ id }: { id: string }) {
  const { say } = useSettings();
  const loaded = useLoad<RedPacket>(`/v1/wallet/red-packets/${encodeURIComponent(id)}`);
  return (
    <Page title={say(social.packets)} back="/packets">
      <Shown of={loaded}>
        {(packet) => (
          <>
            <p className="sum">{shownMoney(packet.amount)}</p>
            <p className="center soft">
              {say(social[packet.state])} · {say(social.packetState, { n: packet.claimed_shares, of: packet.shares, amount: shownMoney(packet.claimed) })}
            </p>
            {packet.returned ? <Tip kind="good" title={say(social.packetReturned, { amount: shownMoney(packet.returned) })} /> : null}
            {packet.token && packet.state === "OPEN" ? <PacketLink token={packet.token} /> : null}
            <ul className="list" hidden={!packet.claims?.length}>
              {packet.claims?.map((claim) => (
                <li key={`${claim.at} ${claim.name}`}>
                  <div className="cell">
                    <span className="text">
                      <span>
                        {claim.name} {claim.best ? <span className="badge warn">{say(social.packetBest)}</span> : null}
                      </span>
                      <span className="sub">{shownTime(claim.at, true).slice(5, 16)}</span>
                    </span>
                    <strong>{shownMoney(claim.amount)}</strong>
                  </div>
                </li>
              ))}
            </ul>
          </>
        )}
      </Shown>
    </Page>
  );
}

function New() {
  const { say } = useSettings();
  const wallets = useWallets();
  const [kind, setKind] = useState<RedPacket["kind"]>("LUCKY");
  const [typed, setTyped] = useState("");
  const [number, setNumber] = useState("3");
  const [greeting, setGreeting] = useState("");
  const [tried, setTried] = useState(false);
  const [confirming, setConfirming] = useState(false);
  const [own, setOwn] = useState(() => `R-${makeNonce()}`);
  const wallet = wallets.main;
  const fen = fenOf(typed);
  const shares = kind === "SINGLE" ? 1 : /^\d{1,3}$/.test(number) ? Number(number) : 0;
  const fits = shares >= 1 && shares <= 100;
  const packed = fen !== null && fits && packs(fen, shares);
  if (wallet === null) return <NoWallet loading={wallets.loading} error={wallets.error} />;
  const words = greeting.trim() === "" ? say(social.packetGreetingFirst) : greeting.trim();
  if (confirming && fen !== null) {
    const intent: Intent = {
      what: "red_packet",
      action: "red_packet",
      payee: "anyone",
      subject: own,
      wallet: wallet.wallet_id,
      amount: cny(fen),
      path: "/v1/wallet/red-packets",
      body: { out_packet_no: own, from_wallet_id: wallet.wallet_id, kind, amount: cny(fen), shares, greeting: words },
      name: say(social.packetAnyone),
      about: say(social.packetAbout, { kind: say(social[kind]), n: shares }),
      pin: "always",
    };
    return (
      <Perform
        intent={intent}
        title={say(social.packetNew)}
        walletName={wallet.name}
        onBack={() => setConfirming(false)}
        onRenew={() => setOwn(`R-${makeNonce()}`)}
        after={({ answer }) => {
          const { token } = answer as RedPacket;
          return token === undefined ? null : <PacketLink token={token} />;
        }}
      />
    );
  }
  const next = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (packed) setConfirming(true);
  };
  return (
    <Page title={say(social.packetNew)} back="/packets">
      <form onSubmit={next} noValidate>
        <Choice
          label={say(social.packetKind)}
          value={kind}
          onValue={setKind}
          options={[
            ["LUCKY", say(social.LUCKY)],
            ["EQUAL", say(social.EQUAL)],
            ["SINGLE", say(social.SINGLE)],
          ]}
        />
        <AmountField label={say(social.packetTotal)} value={typed} onValue={setTyped} fault={tried && fen === null ? say(common.amountFault) : tried && fits && !packed ? say(social.packetShareMost) : null} />
        {kind === "SINGLE" ? null : <Field label={say(social.packetShares)} value={number} onValue={setNumber} inputMode="numeric" maxLength={3} fault={tried && !fits ? say(social.packetSharesFault) : null} />}
        <Field label={say(social.packetGreeting)} value={greeting} onValue={setGreeting} maxLength={50} placeholder={say(social.packetGreetingFirst)} />
        <WalletChoice label={say(acting.wallet)} wallets={wallets.items} value={wallet} onValue={wallets.choose} />
        <button type="submit" className="primary wide">
          {say(common.next)}
        </button>
      </form>
    </Page>
  );
}
