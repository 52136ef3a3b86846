// Checking a receipt in the browser: the inclusion proof and the checkpoint's signature, with the SDK's
// own verifier. The ledger's key is noted down the first time it is seen and compared ever after.

import { NotProven, type Proven, type Step, verifyReceipt } from "@jialing/sdk/offline";

import { api } from "../api/client.ts";
import { keep, kept } from "../keep.ts";

export type Verdict =
  | { readonly held: true; readonly proven: Proven; readonly steps: readonly Step[] }
  | { readonly held: false; readonly why: string; readonly steps: readonly Step[] };

/** The ledger's verifier key that this device trusts: the one it saw first. */
export async function ledgerKey(): Promise<string> {
  const known = await kept<string>("ledger-key");
  if (known !== undefined) return known;
  const keys = await api<{ ledger: readonly { active: boolean; verifier_key: string }[] }>("/v1/public/keys");
  const key = keys.ledger.find((one) => one.active) ?? keys.ledger[0];
  if (key === undefined) throw new Error("the server names no ledger key");
  await keep("ledger-key", key.verifier_key);
  return key.verifier_key;
}

export async function verify(receipt: unknown, ledger: string): Promise<Verdict> {
  const steps: Step[] = [];
  try {
    const proven = await verifyReceipt(receipt, { ledger }, (step: Step) => steps.push(step));
    return { held: true, proven, steps };
  } catch (error) {
    if (error instanceof NotProven) return { held: false, why: error.message, steps };
    throw error;
  }
}


