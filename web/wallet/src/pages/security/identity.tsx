// Who one is, and what the wallet's class allows.

import { shownMoney } from "@shared/money.ts";
import { type FormEvent, useEffect, useState } from "react";

import { absent, api } from "../../api/client.ts";
import type { IdentityCheck, Profile, Wallet } from "../../api/types.ts";
import { makeNonce } from "../../device.ts";
import { moved, useLoad } from "../../load.ts";
import { Fact } from "../../money/perform.tsx";
import { useAct } from "../../parts/act.ts";
import { Field } from "../../parts/fields.tsx";
import { Page } from "../../parts/page.tsx";
import { Busy, Fault, Shown, Tip } from "../../parts/tell.tsx";
import { Link } from "../../router.tsx";
import { useSettings } from "../../settings.tsx";
import { classes } from "../../texts/common.ts";
import { moving } from "../../texts/moving.ts";
import { levels, safe } from "../../texts/safe.ts";
import { useWallets } from "../../wallets.ts";

const LOOK_MS = 2_000;

export default function Identity() {
  const { say } = useSettings();
  const profile = useLoad<Profile>("/v1/wallet/me");
  const { main } = useWallets();
  return (
    <Page title={say(safe.identity)} back="/me">
      <Shown of={profile}>
        {(me) => (
          <>
            <section className="card">
              <h2>{say(safe.classNow, { class: say(classes[me.wallet_class]) })}</h2>
              <p className="soft">{say(safe.classHow)}</p>
              {main === null ? null : <Limits wallet={main} />}
            </section>
            {me.level === "ANONYMOUS" ? <Check /> : null}
            {me.level !== "ANONYMOUS" ? <Tip kind="good" title={`✓ ${say(safe.idVerified)}`} children={`${say(levels[me.level])} · ${me.name ?? ""}`} /> : null}
            {me.level === "REMOTE_PHONE_ID" ? <ByBank /> : null}
            {me.level === "REMOTE_BANK" ? <Tip>{say(safe.idFace)}</Tip> : null}
          </>
        )}
      </Shown>
    </Page>
  );
}

function Limits({ wallet: { limits } }: { wallet: Wallet }) {
  const { say } = useSettings();
  const rows = [
    [safe.balance, limits.balance],
    [safe.single, limits.single],
    [safe.day, limits.day],
    [safe.year, limits.year],
  ] as const;
  return (
    <dl className="facts">
      {rows.map(([name, limit]) => (
        <Fact key={name.en} name={say(name)} value={limit ? `${shownMoney(limit.limit)} · ${say(safe.left, { left: shownMoney(limit.left) })}` : say(safe.noLimit)} />
      ))}
    </dl>
  );
}

/** The newest check, looked at until it is decided. */
function usePending(): { check: IdentityCheck | null; pending: boolean; refresh: () => void } {
  const loaded = useLoad<IdentityCheck>("/v1/wallet/identity");
  const check = absent(loaded.error) ? null : (loaded.value ?? null);
  const pending = check?.state === "PENDING";
  const { reload } = loaded;
  useEffect(() => {
    if (!pending) return;
    const timer = setInterval(() => (reload(), moved()), LOOK_MS);
    return () => clearInterval(timer);
  }, [pending, reload]);
  return { check, pending, refresh: reload };
}

function Check() {
  const { say } = useSettings();
  const { pending, refresh } = usePending();
  const [name, setName] = useState("");
  const [number, setNumber] = useState("");
  const [tried, setTried] = useState(false);
  const [key, setKey] = useState(makeNonce);
  const { working, error, run } = useAct();
  const id = number.trim().toUpperCase();
  const good = name.trim() !== "" && /^\d{17}[\dX]$/.test(id);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (!good) return;
    await run(() => api("/v1/wallet/identity", { method: "POST", body: { level: "REMOTE_PHONE_ID", name: name.trim(), id_number: id }, idempotencyKey: key }));
    setKey(makeNonce());
    refresh();
  };
  if (working) return <Busy />;
  if (pending) return <Busy text={say(safe.idPending)} />;
  return (
    <section className="card">
      <h2>{say(safe.upgrade)}</h2>
      <form onSubmit={(event) => void submit(event)} noValidate>
        <Field label={say(safe.name)} value={name} onValue={setName} autoComplete="name" maxLength={50} fault={tried && name.trim() === "" ? say(safe.nameFault) : null} />
        <Field label={say(safe.idNumber)} value={number} onValue={setNumber} autoComplete="off" maxLength={18} fault={tried && !/^\d{17}[\dX]$/.test(id) ? say(safe.idFault) : null} hint={say(safe.idHow)} />
        <Fault error={error} />
        <button type="submit" className="primary wide">
          {say(safe.idGo)}
        </button>
      </form>
    </section>
  );
}

function ByBank() {
  const { say } = useSettings();
  const { pending, refresh } = usePending();
  const [key] = useState(makeNonce);
  const { working, error, run } = useAct();
  const links = useLoad<{ items: readonly { state: string }[] }>("/v1/wallet/links");
  const linked = links.value?.items.some((link) => link.state === "SIGNED") ?? false;
  if (pending) return <Busy text={say(safe.idPending)} />;
  return (
    <section className="card">
      <h2>{say(safe.upgrade)}</h2>
      <p className="soft">{say(safe.idBank)}</p>
      <Fault error={error} />
      {linked ? (
        <button type="button" className="primary wide" disabled={working} onClick={() => void run(() => api("/v1/wallet/identity", { method: "POST", body: { level: "REMOTE_BANK" }, idempotencyKey: key })).then(refresh)}>
          {say(safe.idBankGo)}
        </button>
      ) : (
        <Link to="/links/new" className="button primary wide">
          {say(moving.link)}
        </Link>
      )}
    </section>
  );
}
