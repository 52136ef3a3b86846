// Bank accounts: those that are linked, and linking another.

import { type FormEvent, useState } from "react";

import { api } from "../api/client.ts";
import type { BankLink, Institution, PageOf } from "../api/types.ts";
import { makeNonce } from "../device.ts";
import { moved, useLoad } from "../load.ts";
import { Field } from "../parts/fields.tsx";
import { Icon } from "../parts/icons.tsx";
import { Page } from "../parts/page.tsx";
import { Empty, Fault, Shown, Tip } from "../parts/tell.tsx";
import { go, Link } from "../router.tsx";
import { useSettings } from "../settings.tsx";
import { moving } from "../texts/moving.ts";
import { useBankName } from "./exchange.tsx";

export default function Links({ rest }: { rest: string }) {
  return rest === "new" ? <NewLink /> : <AllLinks />;
}

function AllLinks() {
  const { say } = useSettings();
  const links = useLoad<PageOf<BankLink>>("/v1/wallet/links");
  const bankName = useBankName();
  const [sure, setSure] = useState<string | null>(null);
  const [error, setError] = useState<unknown>(null);
  const end = async (id: string) => {
    if (sure !== id) return setSure(id);
    setError(null);
    try {
      await api(`/v1/wallet/links/${id}`, { method: "DELETE" });
      moved();
    } catch (problem) {
      setError(problem);
    }
    setSure(null);
  };
  return (
    <Page title={say(moving.links)} back="/me">
      <Fault error={error} />
      <Shown of={links}>
        {({ items }) => {
          const live = items.filter((link) => link.state === "SIGNED");
          return live.length === 0 ? (
            <Empty icon="bank">{say(moving.noLink)}</Empty>
          ) : (
            <ul className="list">
              {live.map((link) => (
                <li key={link.link_id}>
                  <div className="cell">
                    <Icon name="bank" />
                    <span className="text">
                      <span>{bankName(link.institution)}</span>
                      <span className="sub">{link.account_mask}</span>
                    </span>
                    <button type="button" className="danger" onClick={() => void end(link.link_id)}>
                      {say(sure === link.link_id ? moving.linkEndSure : moving.linkEnd)}
                    </button>
                  </div>
                </li>
              ))}
            </ul>
          );
        }}
      </Shown>
      <Link to="/links/new" className="button primary wide">
        {say(moving.link)}
      </Link>
    </Page>
  );
}

function NewLink() {
  const { say, language } = useSettings();
  const banks = useLoad<PageOf<Institution>>("/v1/public/institutions");
  const [bank, setBank] = useState<string | null>(null);
  const [number, setNumber] = useState("");
  const [code, setCode] = useState("");
  const [link, setLink] = useState<BankLink | null>(null);
  const [key, setKey] = useState(makeNonce);
  const [tried, setTried] = useState(false);
  const [working, setWorking] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const digits = number.replace(/\s/g, "");
  const good = /^\d{12,34}$/.test(digits);
  const run = async (act: () => Promise<void>) => {
    setError(null);
    setWorking(true);
    try {
      await act();
    } catch (problem) {
      setError(problem);
    } finally {
      setWorking(false);
    }
  };
  const begin = (event: FormEvent, chosen: string | undefined) => {
    event.preventDefault();
    setTried(true);
    if (!good || chosen === undefined) return;
    void run(async () => {
      setLink(await api<BankLink>("/v1/wallet/links", { method: "POST", body: { institution: chosen, account_number: digits }, idempotencyKey: key }));
      // Another account is another intention.
      setKey(makeNonce());
    });
  };
  const confirm = (event: FormEvent) => {
    event.preventDefault();
    if (link === null || code === "") return;
    void run(async () => {
      await api(`/v1/wallet/links/${link.link_id}/confirm`, { method: "POST", body: { code } });
      moved();
      go("/topup", { instead: true });
    });
  };
  return (
    <Page title={say(moving.link)} back="/links">
      <Shown of={banks}>
        {({ items }) => {
          const operating = items.filter((one) => one.role === "OPERATING");
          const chosen = bank ?? operating[0]?.code;
          return link === null ? (
            <form onSubmit={(event) => begin(event, chosen)} noValidate>
              <Fault error={error} />
              <div className="field">
                <label htmlFor="bank">{say(moving.linkBank)}</label>
                <select id="bank" value={chosen} onChange={(event) => setBank(event.target.value)}>
                  {operating.map((one) => (
                    <option key={one.code} value={one.code}>
                      {language === "zh" ? one.name_zh : one.name_en}
                    </option>
                  ))}
                </select>
              </div>
              <Field label={say(moving.linkNumber)} value={number} onValue={setNumber} inputMode="numeric" autoComplete="off" maxLength={42} fault={tried && !good ? say(moving.linkNumberFault) : null} hint={say(moving.linkHow)} />
              <button type="submit" className="primary wide" disabled={working}>
                {say(moving.link)}
              </button>
            </form>
          ) : (
            <form onSubmit={confirm} noValidate>
              <Tip>{say(moving.linkHow)}</Tip>
              <Fault error={error} />
              <Field label={say(moving.linkCode)} value={code} onValue={(typed) => setCode(typed.trim())} inputMode="numeric" autoComplete="one-time-code" maxLength={12} autoFocus />
              <button type="submit" className="primary wide" disabled={working || code === ""}>
                {say(moving.linkConfirm)}
              </button>
            </form>
          );
        }}
      </Shown>
    </Page>
  );
}
