// Payments by code that a shop asks the PIN for.

import { shownMoney } from "@shared/money.ts";
import { useState } from "react";

import { api } from "../api/client.ts";
import type { PageOf, PayerOrder } from "../api/types.ts";
import { moved, useLoad } from "../load.ts";
import { Page } from "../parts/page.tsx";
import { Empty, Fault, Shown, Tip } from "../parts/tell.tsx";
import { Link } from "../router.tsx";
import { useSettings } from "../settings.tsx";
import { pay } from "../texts/pay.ts";

export default function Confirmations() {
  const { say, language } = useSettings();
  const asked = useLoad<PageOf<PayerOrder>>("/v1/wallet/confirmations");
  const [error, setError] = useState<unknown>(null);
  const [refused, setRefused] = useState(false);
  const refuse = async (order: PayerOrder) => {
    setError(null);
    try {
      await api(`/v1/wallet/orders/${order.id}/refuse`, { method: "POST" });
      setRefused(true);
      moved();
    } catch (problem) {
      setError(problem);
    }
  };
  return (
    <Page title={say(pay.confirmTitle)}>
      <p className="soft">{say(pay.confirmHow)}</p>
      <Fault error={error} />
      {refused ? <Tip kind="good" title={say(pay.refusedDone)} alert /> : null}
      <Shown of={asked}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty>{say(pay.confirmNone)}</Empty>
          ) : (
            items.map((order) => (
              <section className="card" key={order.id}>
                <h2>{language === "zh" ? order.merchant_name_zh : order.merchant_name_en}</h2>
                <p className="sum">{shownMoney(order.amount)}</p>
                <p className="center soft">{order.description}</p>
                <Link to={`/pay/${order.id}`} className="button primary wide">
                  {say(pay.confirmYes)}
                </Link>
                <button type="button" className="wide danger" onClick={() => void refuse(order)}>
                  {say(pay.confirmNo)}
                </button>
              </section>
            ))
          )
        }
      </Shown>
    </Page>
  );
}
