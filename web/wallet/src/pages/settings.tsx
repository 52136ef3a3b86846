// How the wallet looks and speaks.

import { useId } from "react";

import { Choice, Switch } from "../parts/fields.tsx";
import { Page } from "../parts/page.tsx";
import { SIZES, type Theme, useSettings } from "../settings.tsx";
import { look } from "../texts/look.ts";

export default function SettingsPage() {
  const { say, language, setLanguage, theme, elder, size, hidden, change } = useSettings();
  const id = useId();
  return (
    <Page title={say(look.title)}>
      <Choice
        label={say(look.language)}
        value={language}
        onValue={setLanguage}
        options={[
          ["zh", "中文"],
          ["en", "English"],
        ]}
      />
      <Choice<Theme>
        label={say(look.theme)}
        value={theme}
        onValue={(chosen) => change({ theme: chosen })}
        options={[
          ["system", say(look.system)],
          ["light", say(look.light)],
          ["dark", say(look.dark)],
        ]}
      />
      <section className="card">
        <Switch label={say(look.elder)} checked={elder} onChange={(on) => change({ elder: on })} />
        <p className="soft">{say(look.elderHow)}</p>
        {elder ? (
          <div className="field">
            <label htmlFor={id}>{say(look.size)}</label>
            <input id={id} type="range" min={SIZES.least} max={SIZES.most} step={SIZES.step} value={size} aria-valuetext={say(look.sizeOf, { n: size })} onChange={(event) => change({ size: Number(event.target.value) })} />
            <span className="note">{say(look.sizeOf, { n: size })}</span>
          </div>
        ) : null}
      </section>
      <Switch label={say(look.hidden)} checked={hidden} onChange={(on) => change({ hidden: on })} />
      <p className="note">{say(look.here)}</p>
    </Page>
  );
}
