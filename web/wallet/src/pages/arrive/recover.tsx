// A new password for whoever forgot the old one. A phone alone does not do it for a confirmed identity.

import { type FormEvent, useState } from "react";

import { api } from "../../api/client.ts";
import { phoneOf, sendCode } from "../../api/people.ts";
import { CodeField } from "../../parts/code-field.tsx";
import { Field, PasswordField } from "../../parts/fields.tsx";
import { Page } from "../../parts/page.tsx";
import { Busy, Fault, Tip } from "../../parts/tell.tsx";
import { Link } from "../../router.tsx";
import { useSettings } from "../../settings.tsx";
import { arrive } from "../../texts/arrive.ts";

export default function Recover() {
  const { say, language } = useSettings();
  const [phone, setPhone] = useState("");
  const [code, setCode] = useState("");
  const [password, setPassword] = useState("");
  const [idNumber, setIdNumber] = useState("");
  const [tried, setTried] = useState(false);
  const [state, setState] = useState<"asking" | "working" | "done">("asking");
  const [error, setError] = useState<unknown>(null);
  const number = phoneOf(phone);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (number === null || code.length !== 6 || password.length < 10) return;
    setError(null);
    setState("working");
    try {
      const id = idNumber.trim().toUpperCase();
      await api("/v1/wallet/people/recover", { method: "POST", body: { phone: number, code, password, ...(id === "" ? {} : { id_number: id }) } });
      setState("done");
    } catch (problem) {
      setError(problem);
      setState("asking");
    }
  };
  if (state === "working") return <Page title={say(arrive.recover)} children={<Busy />} />;
  if (state === "done") {
    return (
      <Page title={say(arrive.recover)}>
        <p className="sign good" aria-hidden="true">
          ✓
        </p>
        <h2 className="lead center" role="status">
          {say(arrive.recovered)}
        </h2>
        <p className="soft center">{say(arrive.recoveredHow)}</p>
        <Link to="/sign-in" className="button primary wide">
          {say(arrive.signIn)}
        </Link>
      </Page>
    );
  }
  return (
    <Page title={say(arrive.recover)} back="/sign-in">
      <Tip kind="warn">{say(arrive.recoverHow)}</Tip>
      <form onSubmit={(event) => void submit(event)} noValidate>
        <Fault error={error} />
        <Field label={say(arrive.phone)} value={phone} onValue={setPhone} type="tel" autoComplete="tel" maxLength={20} fault={tried && number === null ? say(arrive.phoneFault) : null} />
        <CodeField
          value={code}
          onValue={setCode}
          fault={tried && code.length !== 6 ? say(arrive.codeFault) : null}
          send={() => {
            if (number !== null) return sendCode(number, "recover", language === "zh" ? "zh-CN" : "en");
            setTried(true);
            return Promise.resolve(null);
          }}
        />
        <Field label={say(arrive.idNumber)} value={idNumber} onValue={setIdNumber} autoComplete="off" maxLength={18} hint={say(arrive.idNumberHint)} />
        <PasswordField label={say(arrive.newPassword)} value={password} onValue={setPassword} autoComplete="new-password" fault={tried && password.length < 10 ? say(arrive.passwordFault) : null} hint={say(arrive.passwordHint)} />
        <button type="submit" className="primary wide">
          {say(arrive.recover)}
        </button>
      </form>
    </Page>
  );
}
