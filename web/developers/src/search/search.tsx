// The search's dialog. What it searches is fetched when it opens for the first time.

import { useDeferredValue, useEffect, useMemo, useRef, useState } from "react";

import type { Language } from "@shared/language.ts";

import { useLanguage } from "../language.tsx";
import { go } from "../router.tsx";
import { type Entry, find } from "./index.ts";

let fetched: Promise<Entry[]> | null = null;

async function entries(): Promise<Entry[]> {
  const [{ default: sections }, { operations, apiDescription }, { ERRORS }] = await Promise.all([
    import("virtual:search"),
    import("../api/description.ts").then(async (module) => ({ ...module, apiDescription: (await import("virtual:api")).default })),
    import("../errors/registry.ts"),
  ]);
  const documents = sections.map(
    ({ to, page, title, text, language }): Entry => ({ kind: "document", to, title, of: title === page ? "" : page, text, language }),
  );
  const calls = operations(apiDescription).map(
    ({ id, method, path, summary, description }): Entry => ({
      kind: "operation",
      to: `/developers/api/${id}`,
      title: `${method.toUpperCase()} ${path}`,
      of: `${summary.zh} ${summary.en} ${id}`,
      text: description,
      language: null,
    }),
  );
  const errors = ERRORS.map(
    ({ code, title, cause, fix }): Entry => ({
      kind: "error",
      to: `/developers/errors/${code}`,
      title: code,
      of: `${title.zh} ${title.en}`,
      text: `${cause.zh} ${fix.zh} ${cause.en} ${fix.en}`,
      language: null,
    }),
  );
  return [...documents, ...calls, ...errors];
}

const KINDS: Record<Entry["kind"], Record<Language, string>> = {
  document: { zh: "文档", en: "Guide" },
  operation: { zh: "接口", en: "API" },
  error: { zh: "错误码", en: "Error" },
};

export function Search({ close }: { close: () => void }) {
  const { say, language } = useLanguage();
  const [all, setAll] = useState<Entry[]>([]);
  const [query, setQuery] = useState("");
  const [chosen, setChosen] = useState(0);
  const dialog = useRef<HTMLDialogElement>(null);
  const asked = useDeferredValue(query);
  const found = useMemo(() => find(all, asked, language), [all, asked, language]);
  useEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    fetched ??= entries();
    void fetched.then(setAll);
    return () => shown?.close();
  }, []);
  const open = (to: string) => {
    close();
    go(to);
  };
  const step = (by: number) => setChosen((at) => (found.length === 0 ? 0 : (at + by + found.length) % found.length));
  return (
    <dialog ref={dialog} className="search" aria-label={say({ zh: "搜索", en: "Search" })} onCancel={close} onClick={(event) => event.target === dialog.current && close()}>
      <form
        role="search"
        onSubmit={(event) => {
          event.preventDefault();
          const first = found[chosen];
          if (first !== undefined) open(first.entry.to);
        }}
      >
        <input
          type="search"
          role="combobox"
          aria-expanded={found.length > 0}
          aria-controls="found"
          aria-activedescendant={found.length > 0 ? `found-${chosen}` : undefined}
          aria-label={say({ zh: "搜索文档、接口和错误码", en: "Search guides, operations and error codes" })}
          placeholder={say({ zh: "搜索文档、接口和错误码", en: "Search guides, operations and error codes" })}
          value={query}
          onChange={(event) => {
            setQuery(event.target.value);
            setChosen(0);
          }}
          onKeyDown={(event) => {
            if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
            event.preventDefault();
            step(event.key === "ArrowDown" ? 1 : -1);
          }}
        />
        <button type="button" className="quiet" onClick={close}>
          {say({ zh: "关闭", en: "Close" })}
        </button>
      </form>
      <ul id="found" role="listbox" aria-label={say({ zh: "结果", en: "Results" })} hidden={found.length === 0}>
        {found.map(({ entry, excerpt }, at) => (
          <li
            key={`${entry.to} ${entry.language}`}
            id={`found-${at}`}
            role="option"
            aria-selected={at === chosen}
            ref={(item) => {
              if (at === chosen) item?.scrollIntoView({ block: "nearest" });
            }}
            onMouseMove={() => setChosen(at)}
            onClick={() => open(entry.to)}
          >
            <span className="kind">{say(KINDS[entry.kind])}</span>
            <span className="found-title">{entry.title}</span>
            <span className="found-of">{entry.of}</span>
            <span className="excerpt">{excerpt}</span>
          </li>
        ))}
      </ul>
      <p className="none" role="status">
        {query !== "" && asked === query && found.length === 0 && all.length > 0 ? say({ zh: "没有找到", en: "Nothing was found" }) : ""}
      </p>
    </dialog>
  );
}
