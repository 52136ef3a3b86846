// Checking a receipt file that somebody has: nothing of it leaves the device.

import { useState } from "react";

import { ledgerKey, verify, type Verdict } from "../money/receipt.ts";
import { Page } from "../parts/page.tsx";
import { Fault } from "../parts/tell.tsx";
import { VerdictView } from "../parts/verdict.tsx";
import { useSettings } from "../settings.tsx";
import { records } from "../texts/records.ts";

/** A receipt has a few kilobytes; larger files are none. */
const MOST = 256 * 1024;

export default function VerifyFile() {
  const { say } = useSettings();
  const [found, setFound] = useState<{ verdict: Verdict; ledger: string } | null>(null);
  const [error, setError] = useState<unknown>(null);
  const check = async (file: File | undefined) => {
    setFound(null);
    setError(null);
    if (file === undefined) return;
    try {
      const ledger = await ledgerKey();
      let receipt: unknown;
      try {
        receipt = file.size > MOST ? undefined : JSON.parse(await file.text());
      } catch {
        receipt = undefined;
      }
      setFound({ ledger, verdict: receipt === undefined ? { held: false, why: say(records.notReceipt), steps: [] } : await verify(receipt, ledger) });
    } catch (problem) {
      setError(problem);
    }
  };
  return (
    <Page title={say(records.openFile)} back="/records">
      <p className="soft">{say(records.openFileHow)}</p>
      <div className="field">
        <label htmlFor="receipt">{say(records.openFile)}</label>
        <input id="receipt" type="file" accept="application/json,.json" onChange={(event) => void check(event.target.files?.[0])} />
      </div>
      <Fault error={error} />
      {found === null ? null : <VerdictView {...found} />}
    </Page>
  );
}
