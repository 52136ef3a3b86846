// Entries whose other side is not there yet: said plainly, without a date that nobody promised.

import { Page } from "../parts/page.tsx";
import { Empty } from "../parts/tell.tsx";
import { useSettings } from "../settings.tsx";
import { home } from "../texts/home.ts";
import { safe } from "../texts/safe.ts";

export default function Coming({ rest }: { rest: string }) {
  const { say } = useSettings();
  const bills = rest === "bills";
  return (
    <Page title={say(bills ? home.bills : home.coupons)}>
      <Empty icon={bills ? "bills" : "coupon"}>
        <strong>{say(safe.coming)}</strong>
        <p>{say(bills ? safe.billsHow : safe.couponsHow)}</p>
      </Empty>
    </Page>
  );
}
