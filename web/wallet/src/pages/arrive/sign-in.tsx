// Signing in: password and a second factor, with the key that is bound here where there is one.

import { type FormEvent, useEffect, useState } from "react";

import { passkeyFor, passkeysWork } from "../../api/passkeys.ts";
import { phoneOf, sendCode, signIn } from "../../api/people.ts";
import type { Factor } from "../../api/types.ts";
import { deviceOf, type DeviceKey } from "../../device.ts";
import { useFeature } from "../../features.ts";
import { CodeField } from "../../parts/code-field.tsx";
import { Choice, Field, PasswordField, Switch } from "../../parts/fields.tsx";
import { Page } from "../../parts/page.tsx";
import { Busy, Fault, Tip } from "../../parts/tell.tsx";
import { go, Link, useSearch } from "../../router.tsx";
import { useSession } from "../../session.tsx";
import { useSettings } from "../../settings.tsx";
import { arrive } from "../../texts/arrive.ts";

type How = "code" | "totp" | "recovery" | "passkey";

export default function SignIn() {
  const { say, language } = useSettings();
  const { enter } = useSession();
  const next = useSearch().get("next");
  const [phone, setPhone] = useState("");
  const [password, setPassword] = useState("");
  const [how, setHow] = useState<How>("code");
  const [proof, setProof] = useState("");
  const [known, setKnown] = useState<DeviceKey | null>(null);
  const [bind, setBind] = useState(true);
  const [tried, setTried] = useState(false);
  const [working, setWorking] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const number = phoneOf(phone);
  const authenticator = useFeature("authenticator");
  const passkeys = useFeature("passkeys");

  useEffect(() => {
    let current = true;
    setKnown(null);
    if (number !== null) void deviceOf(number).then((found) => current && setKnown(found?.device_id ? found : null)).catch(() => {});
    return () => {
      current = false;
    };
  }, [number]);

  const factorOf = async (): Promise<Factor> => {
    if (how === "totp") return { totp: proof };
    if (how === "recovery") return { recovery_code: proof.trim() };
    if (how === "passkey") return { passkey: await passkeyFor("sign_in") };
    return { code: proof };
  };
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (number === null || password === "" || (how !== "passkey" && proof.length < 6)) return;
    setError(null);
    setWorking(true);
    try {
      const { answer, device } = await signIn(number, password, await factorOf(), known, bind);
      await enter(answer, number, device);
      go(next?.startsWith("/") ? next : "/", { instead: true });
    } catch (problem) {
      setError(problem);
      // A key that was revoked signs nobody in: the next try may bind a new one.
      setKnown(null);
      setWorking(false);
    }
  };

  if (working) return <Page title={say(arrive.signIn)} back={null} children={<Busy />} />;
  return (
    <Page title={say(arrive.signIn)}>
      <form onSubmit={(event) => void submit(event)} noValidate>
        <Fault error={error} />
        <Field label={say(arrive.phone)} value={phone} onValue={setPhone} type="tel" autoComplete="username" maxLength={20} autoFocus fault={tried && number === null ? say(arrive.phoneFault) : null} />
        <PasswordField label={say(arrive.password)} value={password} onValue={setPassword} autoComplete="current-password" />
        <Choice<How>
          label={say(arrive.secondFactor)}
          value={how}
          onValue={(chosen) => {
            setHow(chosen);
            setProof("");
          }}
          options={[
            ["code", say(arrive.bySms)],
            ...(authenticator === true ? [["totp", say(arrive.byTotp)] as const] : []),
            ...(passkeys === true && passkeysWork() ? [["passkey", say(arrive.byPasskey)] as const] : []),
            ...(authenticator === true ? [["recovery", say(arrive.byRecovery)] as const] : []),
          ]}
        />
        {how === "code" ? (
          <CodeField
            value={proof}
            onValue={setProof}
            fault={tried && proof.length !== 6 ? say(arrive.codeFault) : null}
            send={() => {
              if (number !== null) return sendCode(number, "sign_in", language === "zh" ? "zh-CN" : "en");
              setTried(true);
              return Promise.resolve(null);
            }}
          />
        ) : null}
        {how === "totp" ? <Field label={say(arrive.totp)} value={proof} onValue={(typed) => setProof(typed.replace(/\D/g, "").slice(0, 6))} inputMode="numeric" autoComplete="one-time-code" maxLength={6} /> : null}
        {how === "recovery" ? <Field label={say(arrive.recoveryCode)} value={proof} onValue={setProof} autoComplete="off" maxLength={32} placeholder="abcd-efgh-ijkl-mnop" /> : null}
        {how === "passkey" ? <Tip>{say(arrive.passkeyHow)}</Tip> : null}
        {known === null ? (
          <div className="field">
            <Switch label={say(arrive.bindHere)} checked={bind} onChange={setBind} />
            <span className="note">{say(arrive.bindHow)}</span>
          </div>
        ) : null}
        <button type="submit" className="primary wide">
          {say(arrive.signIn)}
        </button>
        <div className="spread">
          <Link to="/recover">{say(arrive.forgot)}</Link>
          <Link to="/sign-up">{say(arrive.signUp)}</Link>
        </div>
      </form>
    </Page>
  );
}
