// The old device says whether a new one is its person's.

import { useEffect, useState } from "react";

import { api } from "../../api/client.ts";
import type { DeviceRequest } from "../../api/device-requests.ts";
import type { PageOf } from "../../api/types.ts";
import { useLoad } from "../../load.ts";
import { useAct } from "../../parts/act.ts";
import { Field, PinField } from "../../parts/fields.tsx";
import { Page } from "../../parts/page.tsx";
import { Empty, Fault, Shown, Tip } from "../../parts/tell.tsx";
import { useSettings } from "../../settings.tsx";
import { acting } from "../../texts/acting.ts";
import { safe } from "../../texts/safe.ts";

const LOOK_MS = 4_000;

export default function Approve() {
  const { say } = useSettings();
  const list = useLoad<PageOf<DeviceRequest>>("/v1/wallet/device-requests");
  const [done, setDone] = useState<"approved" | "refused" | null>(null);
  const { reload } = list;
  useEffect(() => {
    const timer = setInterval(reload, LOOK_MS);
    return () => clearInterval(timer);
  }, [reload]);
  return (
    <Page title={say(safe.approve)} back="/security">
      <Tip kind="warn">{say(safe.approveHow)}</Tip>
      {done === null ? null : <Tip kind="good" title={`✓ ${say(safe[done])}`} alert />}
      <Shown of={list}>
        {({ items }) => {
          const waiting = items.filter((one) => one.state === "PENDING" && !one.own);
          return waiting.length === 0 ? <Empty icon="phone">{say(safe.approveNone)}</Empty> : waiting.map((one) => <Asked key={one.id} request={one} onDone={setDone} />);
        }}
      </Shown>
    </Page>
  );
}

function Asked({ request, onDone }: { request: DeviceRequest; onDone: (done: "approved" | "refused") => void }) {
  const { say } = useSettings();
  const [number, setNumber] = useState("");
  const [pin, setPin] = useState("");
  const { working, error, run } = useAct();
  const path = `/v1/wallet/device-requests/${request.id}`;
  const approve = (typed: string) => void run(() => api(`${path}/approve`, { method: "POST", body: { number, pin: typed } })).then((good) => (good ? onDone("approved") : setPin("")));
  return (
    <section className="card">
      <h2>{request.name}</h2>
      <Field label={say(safe.approveNumber)} value={number} onValue={(typed) => setNumber(typed.replace(/\D/g, "").slice(0, 2))} inputMode="numeric" autoComplete="off" maxLength={2} />
      <PinField label={say(acting.pin)} value={pin} onValue={setPin} autoFocus={false} />
      <Fault error={error} />
      <button type="button" className="primary wide" disabled={working || number.length !== 2 || pin.length !== 6} onClick={() => approve(pin)}>
        {say(safe.approveYes)}
      </button>
      <button type="button" className="danger wide" disabled={working} onClick={() => void run(() => api(`${path}/refuse`, { method: "POST" })).then((good) => good && onDone("refused"))}>
        {say(safe.approveNo)}
      </button>
    </section>
  );
}
