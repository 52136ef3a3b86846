// One more proof of who one is, before something that matters: a code, the authenticator, a recovery code
// or a passkey, as far as the server knows them.

import { type FormEvent, useState } from "react";

import { passkeyFor, passkeysWork } from "../api/passkeys.ts";
import { sendOwnCode } from "../api/people.ts";
import type { Factor } from "../api/types.ts";
import { useFeature } from "../features.ts";
import { useSettings } from "../settings.tsx";
import { arrive } from "../texts/arrive.ts";
import { safe } from "../texts/safe.ts";
import { CodeField } from "./code-field.tsx";
import { Choice, Field } from "./fields.tsx";
import { Fault } from "./tell.tsx";

type How = "code" | "totp" | "recovery" | "passkey";

/** Asks for a factor and hands it to `onFactor`, whose error is shown here. `codeOnly` where the route takes no other. */
export function FactorForm({ label, onFactor, codeOnly = false, danger = false }: { label: string; onFactor: (factor: Factor) => Promise<void>; codeOnly?: boolean; danger?: boolean }) {
  const { say, language } = useSettings();
  const authenticator = useFeature("authenticator");
  const passkeys = useFeature("passkeys");
  const [how, setHow] = useState<How>("code");
  const [proof, setProof] = useState("");
  const [working, setWorking] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const options: (readonly [How, string])[] = [["code", say(arrive.bySms)]];
  if (!codeOnly && authenticator === true) options.push(["totp", say(arrive.byTotp)], ["recovery", say(arrive.byRecovery)]);
  if (!codeOnly && passkeys === true && passkeysWork()) options.push(["passkey", say(arrive.byPasskey)]);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setError(null);
    setWorking(true);
    try {
      const factor: Factor = how === "passkey" ? { passkey: await passkeyFor("step_up") } : how === "totp" ? { totp: proof } : how === "recovery" ? { recovery_code: proof.trim() } : { code: proof };
      await onFactor(factor);
    } catch (problem) {
      setError(problem);
      setWorking(false);
    }
  };
  return (
    <form onSubmit={(event) => void submit(event)} noValidate>
      {options.length > 1 ? <Choice<How> label={say(safe.factorBy)} value={how} onValue={(chosen) => (setHow(chosen), setProof(""))} options={options} /> : null}
      {how === "code" ? <CodeField value={proof} onValue={setProof} send={() => sendOwnCode(language === "zh" ? "zh-CN" : "en")} /> : null}
      {how === "totp" ? <Field label={say(arrive.totp)} value={proof} onValue={(typed) => setProof(typed.replace(/\D/g, "").slice(0, 6))} inputMode="numeric" autoComplete="one-time-code" maxLength={6} /> : null}
      {how === "recovery" ? <Field label={say(arrive.recoveryCode)} value={proof} onValue={setProof} autoComplete="off" maxLength={32} /> : null}
      <Fault error={error} />
      <button type="submit" className={danger ? "primary danger wide" : "primary wide"} disabled={working || (how !== "passkey" && proof.trim().length < 6)}>
        {label}
      </button>
    </form>
  );
}
