// What this server can do beyond what every one can: asked once for each page's life, so that nothing is
// offered that leads nowhere.

import { useEffect, useState } from "react";

import { absent, ApiProblem, api } from "./api/client.ts";

/** A question whose 404 says that the routes are not there. */
const PROBES = {
  packets: "/v1/wallet/red-packets?limit=1",
  requests: "/v1/wallet/payment-requests?limit=1",
  splits: "/v1/wallet/bill-splits?limit=1",
  passkeys: "/v1/wallet/passkeys",
  authenticator: "/v1/wallet/authenticator",
  approval: "/v1/wallet/device-requests?limit=1",
  log: "/v1/wallet/security-log?limit=1",
  tickets: "/v1/wallet/tickets?limit=1",
  merchants: "/v1/wallet/privacy/merchants?limit=1",
  consents: "/v1/wallet/privacy/consents",
  // Delayed transfers have nothing to ask for; they came to the platform before its tickets.
  delays: "/v1/wallet/tickets?limit=1",
} as const;

export type Feature = keyof typeof PROBES;

const known = new Map<Feature, Promise<boolean>>();

/** Whether the server has it. Without an answer it is asked again next time. */
export function has(feature: Feature): Promise<boolean> {
  let asked = known.get(feature);
  if (asked === undefined) {
    asked = api(PROBES[feature]).then(
      () => true,
      (error: unknown) => {
        // Whoever asks at the door, before signing in, is told to sign in first: then it is there.
        if (error instanceof ApiProblem && error.problem.code === "unauthenticated") return true;
        if (!absent(error)) known.delete(feature);
        return false;
      },
    );
    known.set(feature, asked);
  }
  return asked;
}

/** `null` until the server has answered. */
export function useFeature(feature: Feature): boolean | null {
  const [there, setThere] = useState<boolean | null>(null);
  useEffect(() => {
    let current = true;
    void has(feature).then((answer) => current && setThere(answer));
    return () => {
      current = false;
    };
  }, [feature]);
  return there;
}
