// What a check of a receipt found, in plain words and step by step.

import type { Verdict } from "../money/receipt.ts";
import { useSettings } from "../settings.tsx";
import { records, stepNames } from "../texts/records.ts";

export function VerdictView({ verdict, ledger }: { verdict: Verdict; ledger: string }) {
  const { say, language } = useSettings();
  return (
    <section className={`tip ${verdict.held ? "good" : "bad"}`} role="status" data-held={verdict.held}>
      <strong>
        {verdict.held ? "✓ " : "✕ "}
        {say(verdict.held ? records.holds : records.broken)}
      </strong>
      {verdict.held ? (
        <>
          <h3>{say(records.proves)}</h3>
          <ul className="prose">
            {verdict.proven.meaning.proves.map((sentence) => (
              <li key={sentence.en}>{sentence[language]}</li>
            ))}
          </ul>
          <h3>{say(records.notProves)}</h3>
          <ul className="prose">
            {verdict.proven.meaning.does_not_prove.map((sentence) => (
              <li key={sentence.en}>{sentence[language]}</li>
            ))}
          </ul>
        </>
      ) : (
        <p>{verdict.why}</p>
      )}
      <details>
        <summary>{say(records.steps)}</summary>
        <ol className="stack">
          {verdict.steps.map((step) => (
            <li key={step.name}>
              {step.held ? "✓" : "✕"} {say(stepNames[step.name])}
              <span className="mono block">{step.computed}</span>
            </li>
          ))}
        </ol>
        <p className="note">{say(records.key)}</p>
        <p className="mono">{ledger}</p>
      </details>
    </section>
  );
}
