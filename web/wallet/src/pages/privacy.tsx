// What others saw, what one agreed to, and one's data.

import { shownTime } from "@shared/time.ts";

import { api } from "../api/client.ts";
import type { PageOf, Profile } from "../api/types.ts";
import { useFeature } from "../features.ts";
import { useLoad } from "../load.ts";
import { useAct } from "../parts/act.ts";
import { Switch } from "../parts/fields.tsx";
import { Page } from "../parts/page.tsx";
import { Fault, Shown } from "../parts/tell.tsx";
import { Link } from "../router.tsx";
import { useSettings } from "../settings.tsx";
import { common } from "../texts/common.ts";
import { safe } from "../texts/safe.ts";

interface SeenBy {
  readonly merchant_id: string;
  readonly name_zh: string;
  readonly name_en: string;
  readonly payments: number;
  readonly last_at: string;
  readonly saw: readonly string[];
}

const SAW = { amount: safe.sawAmount, time: safe.sawTime, payer_reference: safe.sawReference, agreement: safe.sawAgreement };
const CONSENTS = ["findable_by_phone", "payment_alerts", "sign_in_alerts", "marketing"] as const;
type Consent = (typeof CONSENTS)[number];

export default function Privacy() {
  const { say } = useSettings();
  const consents = useFeature("consents");
  const merchants = useFeature("merchants");
  const { working, error, run } = useAct();
  const download = () =>
    run(async () => {
      const data = await api<unknown>("/v1/wallet/privacy/data");
      const address = URL.createObjectURL(new Blob([JSON.stringify(data, null, 2)], { type: "application/json" }));
      const link = document.createElement("a");
      link.href = address;
      link.download = "jialing-my-data.json";
      link.click();
      URL.revokeObjectURL(address);
    });
  return (
    <Page title={say(safe.privacy)} back="/me">
      <section className="card">
        <h2>{say(safe.consents)}</h2>
        {consents === true ? <AllConsents /> : consents === false ? <Findable /> : null}
      </section>
      <section className="part">
        <h2>{say(safe.privacySaw)}</h2>
        <p className="soft">{say(safe.privacySawHow)}</p>
        {merchants === true ? <Merchants /> : null}
      </section>
      <Fault error={error} />
      {consents === true ? (
        <button type="button" className="wide" disabled={working} onClick={() => void download()}>
          {say(safe.dataExport)}
        </button>
      ) : (
        <Link to="/export" className="button wide">
          {say(safe.dataExport)}
        </Link>
      )}
      <Link to="/close" className="button danger wide">
        {say(safe.close)}
      </Link>
    </Page>
  );
}

function Findable() {
  const { say } = useSettings();
  const me = useLoad<Profile>("/v1/wallet/me");
  const { working, error, run } = useAct();
  return (
    <>
      <Fault error={error} />
      <Shown of={me}>{({ findable_by_phone }) => <Switch label={say(safe.findable)} checked={findable_by_phone} disabled={working} onChange={(on) => void run(() => api("/v1/wallet/me/alias", { method: "PUT", body: { findable_by_phone: on } }))} />}</Shown>
    </>
  );
}

function AllConsents() {
  const { say } = useSettings();
  const consents = useLoad<Partial<Record<Consent, boolean>>>("/v1/wallet/privacy/consents");
  const { working, error, run } = useAct();
  const name = (consent: Consent) => say(consent === "findable_by_phone" ? safe.findable : safe[consent]);
  return (
    <>
      <Fault error={error} />
      <Shown of={consents}>
        {(value) => (
          <>
            {CONSENTS.map((consent) => (
              <Switch key={consent} label={name(consent)} checked={value[consent] ?? false} disabled={working} onChange={(on) => void run(() => api("/v1/wallet/privacy/consents", { method: "PUT", body: { [consent]: on } }))} />
            ))}
          </>
        )}
      </Shown>
    </>
  );
}

function Merchants() {
  const { say, language } = useSettings();
  const list = useLoad<PageOf<SeenBy>>("/v1/wallet/privacy/merchants?limit=100");
  return (
    <Shown of={list}>
      {({ items }) =>
        items.length === 0 ? (
          <p className="soft">{say(common.nothing)}</p>
        ) : (
          <ul className="list">
            {items.map((one) => (
              <li key={one.merchant_id}>
                <div className="cell">
                  <span className="text">
                    <span>{language === "zh" ? one.name_zh : one.name_en}</span>
                    <span className="sub">{say(safe.payments, { n: one.payments, at: shownTime(one.last_at, true).slice(0, 10) })}</span>
                    <span className="row">
                      {one.saw.map((what) => (
                        <span className="badge" key={what}>
                          {what in SAW ? say(SAW[what as keyof typeof SAW]) : what}
                        </span>
                      ))}
                    </span>
                  </span>
                </div>
              </li>
            ))}
          </ul>
        )
      }
    </Shown>
  );
}
