// Opening an account: phone and code, password; the device's key is made on the way.

import { type FormEvent, useState } from "react";

import { ApiProblem } from "../../api/client.ts";
import { phoneOf, sendCode, signUp } from "../../api/people.ts";
import { CodeField } from "../../parts/code-field.tsx";
import { Field, PasswordField } from "../../parts/fields.tsx";
import { Page } from "../../parts/page.tsx";
import { Busy, Fault } from "../../parts/tell.tsx";
import { go, Link } from "../../router.tsx";
import { useSession } from "../../session.tsx";
import { useSettings } from "../../settings.tsx";
import { arrive } from "../../texts/arrive.ts";
import { common } from "../../texts/common.ts";

export default function SignUp() {
  const { say, language } = useSettings();
  const { enter } = useSession();
  const [step, setStep] = useState<"phone" | "password">("phone");
  const [phone, setPhone] = useState("");
  const [code, setCode] = useState("");
  const [password, setPassword] = useState("");
  const [tried, setTried] = useState(false);
  const [working, setWorking] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const number = phoneOf(phone);
  const codeFault = tried && code.length !== 6 ? say(arrive.codeFault) : null;
  const phoneFault = tried && number === null ? say(arrive.phoneFault) : null;

  const send = () => {
    if (number !== null) return sendCode(number, "sign_up", language === "zh" ? "zh-CN" : "en");
    setTried(true);
    return Promise.resolve(null);
  };
  const next = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (number === null || code.length !== 6) return;
    setTried(false);
    setStep("password");
  };
  const finish = async (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (number === null || password.length < 10) return;
    setError(null);
    setWorking(true);
    try {
      const { answer, device } = await signUp(number, code, password);
      await enter(answer, number, device);
      go("/begin", { instead: true });
    } catch (problem) {
      setError(problem);
      if (problem instanceof ApiProblem && ["code_invalid", "phone_taken"].includes(problem.problem.code)) setStep("phone");
      setWorking(false);
    }
  };

  if (working) return <Page title={say(arrive.signUp)} back={null} children={<Busy text={say(arrive.keyMaking)} />} />;
  if (step === "phone") {
    return (
      <Page title={say(arrive.signUp)}>
        <p className="note">{say(arrive.stepPhone)}</p>
        <form onSubmit={next} noValidate>
          <Fault error={error} />
          <Field label={say(arrive.phone)} value={phone} onValue={setPhone} type="tel" autoComplete="tel" maxLength={20} autoFocus fault={phoneFault} hint={say(arrive.phoneHint)} />
          <CodeField value={code} onValue={setCode} send={send} fault={codeFault} />
          <button type="submit" className="primary wide">
            {say(common.next)}
          </button>
          <p className="note">{say(arrive.agree)}</p>
          <Link to="/sign-in">{say(arrive.signIn)}</Link>
        </form>
      </Page>
    );
  }
  return (
    <Page title={say(arrive.signUp)} back={() => setStep("phone")}>
      <p className="note">{say(arrive.stepPassword)}</p>
      <form onSubmit={(event) => void finish(event)} noValidate>
        <Fault error={error} />
        <PasswordField
          label={say(arrive.password)}
          value={password}
          onValue={setPassword}
          autoComplete="new-password"
          autoFocus
          fault={tried && password.length < 10 ? say(arrive.passwordFault) : null}
          hint={say(arrive.passwordHint)}
        />
        <button type="submit" className="primary wide">
          {say(common.next)}
        </button>
      </form>
    </Page>
  );
}
