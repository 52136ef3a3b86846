// What lies beside the text: folded away on a phone.

import { type ReactNode, useState } from "react";

import type { Both } from "@shared/language.ts";

import { useLanguage } from "../language.tsx";

export function Sidebar({ name, children }: { name: Both; children: ReactNode }) {
  const { say } = useLanguage();
  const [open, setOpen] = useState(false);
  return (
    <aside className="sidebar" data-open={open}>
      <button type="button" className="unfold" aria-expanded={open} onClick={() => setOpen(!open)}>
        {say(name)}
      </button>
      <nav
        aria-label={say(name)}
        onClick={(event) => {
          if (event.target instanceof Element && event.target.closest("a")) setOpen(false);
        }}
      >
        {children}
      </nav>
    </aside>
  );
}
