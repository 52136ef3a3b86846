// What was begun on this device and not heard of to its end: asked for until it is known.

import { shownMoney } from "@shared/money.ts";
import { useEffect, useState } from "react";

import { moved } from "../load.ts";
import { type Act, type Outcome, settle, unfinished } from "../money/acts.ts";
import { Checking, End } from "../money/perform.tsx";
import { Page } from "../parts/page.tsx";
import { Busy, Empty } from "../parts/tell.tsx";
import { go } from "../router.tsx";
import { useSigned } from "../session.tsx";
import { useSettings } from "../settings.tsx";
import { acting } from "../texts/acting.ts";

export default function Acts() {
  const { say } = useSettings();
  const { device } = useSigned();
  const [acts, setActs] = useState<Act[] | null>(null);
  const [chosen, setChosen] = useState<Act | null>(null);
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  useEffect(() => {
    void unfinished(device).then((found) => {
      setActs(found);
      if (found.length === 1) setChosen(found[0] ?? null);
    });
  }, [device]);
  const title = say(acting.actsTitle);
  if (chosen !== null && outcome !== null && outcome.kind !== "open") return <End title={title} act={chosen} outcome={outcome} onAgain={() => go("/", { instead: true })} onBack={() => go("/", { instead: true })} />;
  if (chosen !== null) {
    const known = async (found: Outcome) => {
      await settle(chosen);
      moved();
      setOutcome(found);
    };
    return <Checking act={chosen} pin={null} title={title} onKnown={(found) => void known(found)} />;
  }
  return (
    <Page title={title}>
      {acts === null ? <Busy /> : null}
      {acts?.length === 0 ? <Empty>{say(acting.actsNone)}</Empty> : null}
      <ul className="list" hidden={!acts?.length}>
        {acts?.map((act) => (
          <li key={act.id}>
            <button type="button" className="go" onClick={() => setChosen(act)}>
              <span className="text">
                <span>{act.name}</span>
                <span className="sub">{act.about}</span>
              </span>
              <span className="end">{shownMoney(act.amount)}</span>
            </button>
          </li>
        ))}
      </ul>
    </Page>
  );
}
