// Which page an address is. Each page but the arrival's door comes when it is asked for.

import { lazy, type ReactNode, Suspense } from "react";

import { Frame } from "./frame.tsx";
import { Missing } from "./pages/missing.tsx";
import { Welcome } from "./pages/arrive/welcome.tsx";
import { Busy } from "./parts/tell.tsx";
import { usePath } from "./router.tsx";
import { SessionOf, useSession } from "./session.tsx";
import { SettingsOf } from "./settings.tsx";

type Place = (rest: string) => ReactNode;

/** A page of its own file: `rest` is what follows its name in the address. */
function page(load: () => Promise<{ default: (props: { rest: string }) => ReactNode }>): Place {
  const Lazy = lazy(load);
  return (rest) => <Lazy key={rest} rest={rest} />;
}

/** Pages for whoever comes to the door. */
const DOOR: Readonly<Record<string, Place>> = {
  "sign-up": page(() => import("./pages/arrive/sign-up.tsx")),
  "sign-in": page(() => import("./pages/arrive/sign-in.tsx")),
  recover: page(() => import("./pages/arrive/recover.tsx")),
  help: page(() => import("./pages/help.tsx")),
  settings: page(() => import("./pages/settings.tsx")),
};

/** Pages for somebody who is signed in. */
const PLACES: Readonly<Record<string, Place>> = {
  "": page(() => import("./pages/home.tsx")),
  begin: page(() => import("./pages/arrive/begin.tsx")),
  bind: page(() => import("./pages/arrive/bind.tsx")),
  code: page(() => import("./pages/code.tsx")),
  scan: page(() => import("./pages/scan.tsx")),
  pay: page(() => import("./pages/pay.tsx")),
  to: page(() => import("./pages/transfer.tsx")),
  transfer: page(() => import("./pages/transfer.tsx")),
  transfers: page(() => import("./pages/transfers.tsx")),
  receive: page(() => import("./pages/receive.tsx")),
  topup: page(() => import("./pages/exchange.tsx")),
  withdraw: page(() => import("./pages/exchange.tsx")),
  exchange: page(() => import("./pages/exchanged.tsx")),
  links: page(() => import("./pages/links.tsx")),
  records: page(() => import("./pages/records.tsx")),
  record: page(() => import("./pages/record.tsx")),
  month: page(() => import("./pages/month.tsx")),
  verify: page(() => import("./pages/verify.tsx")),
  export: page(() => import("./pages/export.tsx")),
  wallets: page(() => import("./pages/wallets.tsx")),
  mandates: page(() => import("./pages/mandates.tsx")),
  debits: page(() => import("./pages/debits.tsx")),
  confirmations: page(() => import("./pages/confirmations.tsx")),
  acts: page(() => import("./pages/acts.tsx")),
  me: page(() => import("./pages/me.tsx")),
  security: page(() => import("./pages/security/centre.tsx")),
  pin: page(() => import("./pages/security/pin.tsx")),
  devices: page(() => import("./pages/security/devices.tsx")),
  sessions: page(() => import("./pages/security/sessions.tsx")),
  freeze: page(() => import("./pages/security/freeze.tsx")),
  identity: page(() => import("./pages/security/identity.tsx")),
  limits: page(() => import("./pages/security/limits.tsx")),
  passkeys: page(() => import("./pages/security/passkeys.tsx")),
  authenticator: page(() => import("./pages/security/authenticator.tsx")),
  log: page(() => import("./pages/security/log.tsx")),
  approve: page(() => import("./pages/security/approve.tsx")),
  privacy: page(() => import("./pages/privacy.tsx")),
  close: page(() => import("./pages/close.tsx")),
  tickets: page(() => import("./pages/tickets.tsx")),
  notices: page(() => import("./pages/notices.tsx")),
  packets: page(() => import("./pages/packets.tsx")),
  r: page(() => import("./pages/packet-open.tsx")),
  requests: page(() => import("./pages/requests.tsx")),
  splits: page(() => import("./pages/splits.tsx")),
  coming: page(() => import("./pages/coming.tsx")),
  help: DOOR.help as Place,
  settings: DOOR.settings as Place,
};

export function App() {
  return (
    <SettingsOf>
      <SessionOf>
        <Routed />
      </SessionOf>
    </SettingsOf>
  );
}

/** The page of that name, where there is one. */
function at(places: Readonly<Record<string, Place>>, name: string, rest: string): ReactNode {
  return Object.hasOwn(places, name) ? places[name]?.(rest) : undefined;
}

/** An address may hold anything: what does not decode stays as it is. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function Routed() {
  const path = usePath();
  const { signed } = useSession();
  const [, first = "", ...below] = path.split("/");
  const rest = decoded(below.join("/"));
  if (signed === undefined) return <Busy />;
  if (signed === null) {
    // Whoever came by a link is shown the door first; the link waits in the address.
    return <Suspense fallback={<Busy />}>{at(DOOR, first, rest) ?? <Welcome />}</Suspense>;
  }
  // Whoever has come in is done with the door.
  const place = Object.hasOwn(DOOR, first) && !Object.hasOwn(PLACES, first) ? "" : first;
  const shown = at(PLACES, place, rest) ?? <Missing />;
  return (
    <Frame path={path}>
      <Suspense fallback={<Busy />}>{shown}</Suspense>
    </Frame>
  );
}
