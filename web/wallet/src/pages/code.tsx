// The pay code: a code that lives a minute, its ring, what became of it. It opens without network.

import { shownMoney } from "@shared/money.ts";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";

import { api, now } from "../api/client.ts";
import type { CodeStatus, PayerOrder } from "../api/types.ts";
import { moved } from "../load.ts";
import { barsOf } from "../money/code128.ts";
import { type CodeTerms, drawCodes, FEW, type KeptCode, readyCodes, SHOWN_S, shownCode, spend, stopCodes, terms as keptTerms } from "../money/codes.ts";
import { Choice } from "../parts/fields.tsx";
import { Page } from "../parts/page.tsx";
import { Qr } from "../parts/qr.tsx";
import { Busy, Empty, Fault, Tip } from "../parts/tell.tsx";
import { WalletChoice } from "../parts/wallet-choice.tsx";
import { go, Link } from "../router.tsx";
import { useSigned } from "../session.tsx";
import { useSettings } from "../settings.tsx";
import { common } from "../texts/common.ts";
import { pay } from "../texts/pay.ts";
import { useWallets } from "../wallets.ts";
import { NoWallet } from "./pay.tsx";

/** Between two questions what became of the shown code, milliseconds. */
const ASK_MS = 2_000;

export default function Code() {
  const { say } = useSettings();
  const { device } = useSigned();
  const [terms, setTerms] = useState<CodeTerms | null | undefined>(undefined);
  const [codes, setCodes] = useState<readonly KeptCode[]>([]);
  useEffect(() => {
    void Promise.all([keptTerms(), readyCodes()]).then(([found, ready]) => {
      setCodes(ready);
      setTerms(found ?? null);
    }, () => setTerms(null));
  }, []);
  const drawn = useCallback((chosen: CodeTerms, ready: readonly KeptCode[]) => {
    setCodes(ready);
    setTerms(chosen);
  }, []);
  if (device === null) {
    return (
      <Page title={say(pay.codeTitle)} back={null}>
        <Tip kind="warn" title={say(common.noDevice)}>
          {say(common.noDeviceHow)}
          <Link to="/bind" className="button">
            {say(common.bindNow)}
          </Link>
        </Tip>
      </Page>
    );
  }
  if (terms === undefined) return <Page title={say(pay.codeTitle)} back={null} children={<Busy />} />;
  if (terms === null) return <Enable onDrawn={drawn} />;
  return <Showing terms={terms} codes={codes} onCodes={setCodes} onStop={() => setTerms(null)} />;
}

const FREE = [0, 5_000, 20_000, 50_000, 100_000] as const;

function Enable({ onDrawn }: { onDrawn: (terms: CodeTerms, codes: readonly KeptCode[]) => void }) {
  const { say } = useSettings();
  const { device } = useSigned();
  const wallets = useWallets();
  const [free, setFree] = useState("20000");
  const [working, setWorking] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const wallet = wallets.main;
  if (wallet === null) return <NoWallet loading={wallets.loading} error={wallets.error} />;
  const enable = async () => {
    if (device === null) return;
    setError(null);
    setWorking(true);
    const chosen = { wallet: wallet.wallet_id, free: Number(free) };
    try {
      onDrawn(chosen, await drawCodes(device, chosen));
    } catch (problem) {
      setError(problem);
      setWorking(false);
    }
  };
  const named = (fen: number) => (fen === 0 ? say(pay.codeFreeNone) : shownMoney({ amount: fen, currency: "CNY" }));
  return (
    <Page title={say(pay.codeTitle)} back={null}>
      <h2 className="lead">{say(pay.codeEnable)}</h2>
      <p className="soft">{say(pay.codeEnableHow, { free: named(Number(free)) })}</p>
      <Choice label={say(pay.codeFree)} value={free} onValue={setFree} options={FREE.map((fen) => [String(fen), named(fen)] as const)} />
      <WalletChoice label={say(pay.payFrom)} wallets={wallets.items} value={wallet} onValue={wallets.choose} />
      <Fault error={error} />
      {working ? (
        <Busy />
      ) : (
        <button type="button" className="primary wide" onClick={() => void enable()}>
          {say(pay.codeEnable)}
        </button>
      )}
    </Page>
  );
}

interface Face {
  readonly code: KeptCode;
  readonly text: string;
  readonly from: number;
}

function Showing({ terms, codes, onCodes, onStop }: { terms: CodeTerms; codes: readonly KeptCode[]; onCodes: (codes: readonly KeptCode[]) => void; onStop: () => void }) {
  const { say, language } = useSettings();
  const { device } = useSigned();
  const [face, setFace] = useState<Face | null>(null);
  const [offline, setOffline] = useState(false);
  const [paid, setPaid] = useState<PayerOrder | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [bars, setBars] = useState(false);
  const first = codes[0];

  const renew = useCallback(async (code: KeptCode) => {
    const from = Math.floor(now() / 1000);
    setFace({ code, text: await shownCode(code, from), from });
  }, []);
  useEffect(() => {
    if (first !== undefined) void renew(first);
    else setFace(null);
  }, [first, renew]);

  // New ones are drawn well before the last is used, while there is a network.
  useEffect(() => {
    if (codes.length >= FEW || device === null) return;
    let current = true;
    drawCodes(device, terms).then(
      (ready) => current && (setOffline(false), onCodes(ready)),
      (problem: unknown) => current && (codes.length === 0 ? setError(problem) : setOffline(true)),
    );
    return () => {
      current = false;
    };
  }, [codes.length, device, terms, onCodes]);

  useEffect(() => {
    if (face === null) return;
    const stop = new AbortController();
    const ask = async () => {
      try {
        const status = await api<CodeStatus>(`/v1/wallet/payment-codes/${face.code.id}`, { signal: stop.signal });
        setOffline(false);
        if (status.state === "LIVE") return;
        await spend(face.code.id);
        if (status.order_id) {
          const order = await api<PayerOrder>(`/v1/wallet/orders/${status.order_id}`, { signal: stop.signal });
          moved();
          if (order.state === "USERPAYING") return go(`/pay/${order.id}`);
          setPaid(order);
          // The newest of the device stay good: the next one is shown at once.
        }
        onCodes(codes.filter((code) => code.id !== face.code.id));
      } catch {
        if (!stop.signal.aborted) setOffline(true);
      }
    };
    const timer = setInterval(() => void (document.visibilityState === "visible" && ask()), ASK_MS);
    return () => {
      clearInterval(timer);
      stop.abort();
    };
  }, [face, codes, onCodes]);

  if (bars && face !== null) return <Barcode text={face.text} onClose={() => setBars(false)} />;
  return (
    <Page title={say(pay.codeTitle)} back={null}>
      {paid === null ? null : (
        <Tip kind={paid.state === "SUCCESS" ? "good" : "warn"} title={say(pay.codeUsed, { amount: shownMoney(paid.amount) })} alert>
          {language === "zh" ? paid.merchant_name_zh : paid.merchant_name_en}
          {paid.transaction_id ? <Link to={`/record/${paid.transaction_id}?of=${paid.wallet_id ?? terms.wallet}`}>{say(common.show)}</Link> : null}
        </Tip>
      )}
      {offline ? <Tip kind="warn">{say(pay.codeOffline)}</Tip> : null}
      {face === null ? (
        error ? (
          <Fault error={error} again={() => onStop()} />
        ) : codes.length === 0 ? (
          <Empty icon="code">
            <strong>{say(pay.codeNone)}</strong>
            <p>{say(pay.codeNoneHow)}</p>
          </Empty>
        ) : (
          <Busy />
        )
      ) : (
        <>
          <section className="paper">
            <Qr text={face.text} label={say(pay.codeLabel)} />
            <Ring from={face.from} onOver={() => void renew(face.code)} />
          </section>
          <p className="soft center">{say(pay.codeHow)}</p>
          <p className="note center">{say(pay.codeBright)}</p>
          <div className="grid-2">
            <button type="button" onClick={() => void renew(face.code)}>
              {say(pay.codeRenew)}
            </button>
            <button type="button" onClick={() => setBars(true)}>
              {say(pay.barcode)}
            </button>
          </div>
          <p className="note center">{say(pay.codeLeftOver, { n: codes.length })}</p>
        </>
      )}
      <button type="button" className="plain" onClick={() => void stopCodes().then(onStop)}>
        {say(pay.codeStop)}
      </button>
    </Page>
  );
}

/** The minute that is left, as a ring and as a number. */
function Ring({ from, onOver }: { from: number; onOver: () => void }) {
  const { say } = useSettings();
  const [left, setLeft] = useState(SHOWN_S);
  const over = useRef(onOver);
  over.current = onOver;
  useEffect(() => {
    let done = false;
    const tick = () => {
      const rest = SHOWN_S - (now() / 1000 - from);
      setLeft(Math.max(0, Math.ceil(rest)));
      if (rest <= 1 && !done) {
        done = true;
        over.current();
      }
    };
    tick();
    const timer = setInterval(tick, 500);
    return () => clearInterval(timer);
  }, [from]);
  const round = 2 * Math.PI * 18;
  return (
    <p className="row">
      <svg className="ring" viewBox="0 0 44 44" aria-hidden="true">
        <circle cx="22" cy="22" r="18" fill="none" stroke="#e2ddd2" strokeWidth="4" />
        <circle cx="22" cy="22" r="18" fill="none" stroke="#0b6e6e" strokeWidth="4" strokeDasharray={round} strokeDashoffset={round * (1 - left / SHOWN_S)} transform="rotate(-90 22 22)" />
        <text x="22" y="27" textAnchor="middle" fontSize="14" fill="#1d2733">
          {left}
        </text>
      </svg>
      <span role="timer">{say(pay.codeLeft, { s: left })}</span>
    </p>
  );
}

/** The bars along the screen's longer side, each module whole pixels wide. */
function Barcode({ text, onClose }: { text: string; onClose: () => void }) {
  const { say } = useSettings();
  const { size, runs } = useMemo(() => barsOf(text), [text]);
  return (
    <div className="over">
      <Page title={say(pay.barcode)} back={onClose}>
        <p className="note center">{say(pay.barcodeHow)}</p>
        <section className="paper bars">
          <svg viewBox={`0 0 100 ${size}`} preserveAspectRatio="none" role="img" aria-label={say(pay.barcodeLabel)} shapeRendering="crispEdges">
            {runs.map(([from, width]) => (
              <rect key={from} x="0" y={from} width="100" height={width} fill="#000" />
            ))}
          </svg>
        </section>
      </Page>
    </div>
  );
}
