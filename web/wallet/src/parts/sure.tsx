// A button that asks once more before it acts: by its own words, without anything popping up.

import { useEffect, useState } from "react";

/** How long the question stands, milliseconds. */
const STANDS_MS = 6_000;

export function Sure({ ask, sure, onSure, disabled = false }: { ask: string; sure: string; onSure: () => void; disabled?: boolean }) {
  const [asked, setAsked] = useState(false);
  useEffect(() => {
    if (!asked) return;
    const timer = setTimeout(() => setAsked(false), STANDS_MS);
    return () => clearTimeout(timer);
  }, [asked]);
  return (
    <button type="button" className="danger" disabled={disabled} aria-live="polite" onClick={() => (asked ? (setAsked(false), onSure()) : setAsked(true))}>
      {asked ? sure : ask}
    </button>
  );
}
