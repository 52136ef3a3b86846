// Something that is asked of the server by a button: at work, or why it failed.

import { useCallback, useState } from "react";

import { moved } from "../load.ts";

export interface Acting {
  readonly working: boolean;
  readonly error: unknown;
  /** Runs `act`, shows how it goes, and has the pages ask again when it is done. Answers whether it was. */
  readonly run: (act: () => Promise<unknown>) => Promise<boolean>;
}

export function useAct(): Acting {
  const [working, setWorking] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const run = useCallback(async (act: () => Promise<unknown>) => {
    setError(null);
    setWorking(true);
    try {
      await act();
      moved();
      return true;
    } catch (problem) {
      setError(problem);
      return false;
    } finally {
      setWorking(false);
    }
  }, []);
  return { working, error, run };
}
