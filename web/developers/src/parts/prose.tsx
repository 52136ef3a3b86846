// HTML that was rendered at build time from our own Markdown: its copy buttons, tabs and links come alive.

import { type MouseEvent, useEffect, useRef } from "react";

import { useLanguage } from "../language.tsx";
import { followLinks } from "../router.tsx";
import { copied } from "./copy.ts";

const KEPT = "tab";

/** Shows the chosen tab in every group that has it, else the group's first. */
function choose(root: HTMLElement, wanted: string | null): void {
  for (const group of root.querySelectorAll<HTMLElement>(".tabs")) {
    const buttons = [...group.querySelectorAll<HTMLElement>("[role=tab]")];
    const chosen = buttons.find((button) => button.dataset["tab"] === wanted) ?? buttons[0];
    for (const button of buttons) {
      button.ariaSelected = String(button === chosen);
      button.tabIndex = button === chosen ? 0 : -1;
    }
    for (const panel of group.querySelectorAll<HTMLElement>("[role=tabpanel]")) panel.hidden = panel.dataset["tab"] !== chosen?.dataset["tab"];
  }
}

export function Prose({ html, lang }: { html: string; lang?: string | undefined }) {
  const { say } = useLanguage();
  const root = useRef<HTMLDivElement>(null);
  const copy = say({ zh: "复制", en: "Copy" });
  const done = say({ zh: "已复制", en: "Copied" });
  useEffect(() => {
    if (root.current === null) return;
    for (const button of root.current.querySelectorAll("[data-copy]")) button.textContent = copy;
    choose(root.current, localStorage.getItem(KEPT));
  }, [html, copy]);
  const click = (event: MouseEvent) => {
    followLinks(event);
    const target = event.target instanceof HTMLElement ? event.target : null;
    if (target?.matches("[data-copy]")) {
      void copied(target.parentElement?.querySelector("code")?.textContent ?? "").then((good) => {
        target.textContent = good ? done : "✗";
        setTimeout(() => {
          target.textContent = copy;
        }, 1600);
      });
    }
    if (target?.matches("[role=tab]") && root.current !== null) {
      const tab = target.dataset["tab"] ?? "";
      localStorage.setItem(KEPT, tab);
      choose(root.current, tab);
    }
  };
  const key = (event: { key: string; target: EventTarget | null; preventDefault(): void }) => {
    const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    const tab = event.target instanceof HTMLElement && by !== 0 ? event.target.closest<HTMLElement>("[role=tab]") : null;
    if (tab === null) return;
    event.preventDefault();
    const all = [...(tab.parentElement?.querySelectorAll<HTMLElement>("[role=tab]") ?? [])];
    const next = all[(all.indexOf(tab) + by + all.length) % all.length];
    next?.click();
    next?.focus();
  };
  // The text is ours, made at build time from files beside the code; nothing of a caller is in it.
  return <div ref={root} className="prose" lang={lang} onClick={click} onKeyDown={key} dangerouslySetInnerHTML={{ __html: html }} />;
}
