// Who is signed in on this device. The token lies in IndexedDB beside the device's key, and travels in a
// header only, so another site's page cannot make the browser send it.

import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from "react";

import { authenticate, setClockAhead } from "./api/client.ts";
import type { SignedIn } from "./api/types.ts";
import { type DeviceKey, deviceOf, keepDevice } from "./device.ts";
import { drop, dropAll, keep, kept } from "./keep.ts";
import { forgetLoaded } from "./load.ts";

export interface Signed {
  readonly token: string;
  readonly person_id: string;
  readonly phone: string;
  /** The key of this browser; without one the session may look and not pay. */
  readonly device: DeviceKey | null;
}

interface Holding {
  /** `undefined` until the device was asked what it keeps. */
  signed: Signed | null | undefined;
  enter: (answer: SignedIn, phone: string, device: DeviceKey | null) => Promise<void>;
  /** Binds `device` to the session that is open. */
  bound: (device: DeviceKey) => Promise<void>;
  leave: () => Promise<void>;
}

const Held = createContext<Holding | null>(null);
const KEPT = "session";

type KeptSession = Pick<Signed, "token" | "person_id" | "phone">;

export function SessionOf({ children }: { children: ReactNode }) {
  const [signed, setSigned] = useState<Signed | null | undefined>(undefined);
  const leave = useCallback(async () => {
    authenticate(null);
    forgetLoaded();
    setSigned(null);
    // The device's key stays: the next sign-in is with it; so do acts whose end is not known. All that was
    // seen goes.
    await Promise.all([drop(KEPT), dropAll("seen:"), dropAll("code:")]);
  }, []);
  useEffect(() => {
    void (async () => {
      const [found, ahead] = await Promise.all([kept<KeptSession>(KEPT), kept<number>("clock")]).catch(() => []);
      setClockAhead(ahead ?? 0);
      if (found === undefined) return setSigned(null);
      const device = (await deviceOf(found.phone)) ?? null;
      authenticate(found.token, () => void leave());
      setSigned({ ...found, device: device?.device_id ? device : null });
    })();
  }, [leave]);
  const holding = useMemo<Holding>(
    () => ({
      signed,
      leave,
      enter: async (answer, phone, device) => {
        const device_id = answer.session.device_id ?? null;
        const bound = device !== null && device_id !== null ? { ...device, device_id } : null;
        if (bound !== null) await keepDevice(phone, bound);
        const session: KeptSession = { token: answer.token, person_id: answer.person_id, phone };
        await keep(KEPT, session);
        forgetLoaded();
        authenticate(answer.token, () => void leave());
        setSigned({ ...session, device: bound });
      },
      bound: async (device) => {
        if (!signed) return;
        await keepDevice(signed.phone, device);
        setSigned({ ...signed, device });
      },
    }),
    [signed, leave],
  );
  return <Held value={holding}>{children}</Held>;
}

export function useSession(): Holding {
  const held = useContext(Held);
  if (held === null) throw new Error("no session is held above");
  return held;
}

/** The person who is signed in. Pages below the arrival are only shown to somebody. */
export function useSigned(): Signed {
  const { signed } = useSession();
  if (!signed) throw new Error("nobody is signed in");
  return signed;
}
