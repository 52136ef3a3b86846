// Checking a receipt file that somebody has: nothing of it leaves the device.

import { useState } from "react";

import { ledgerKey, verify, type Verdict } from "../money/receipt.ts";
import { FileButton } from "../parts/fields.tsx";
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
  const check = async (file: File) => {
    setFound(null);
    setError(null);
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
      <FileButton label={say(records.chooseFile)} accept="application/json,.json" onFile={(file) => void check(file)} />
      <Fault error={error} />
      {found === null ? null : <VerdictView {...found} />}
    </Page>
  );
}
