// One document, in the reader's language where it is there.

import { useEffect, useState } from "react";
import { groups, load, type PageEntry, type Rendered } from "virtual:documents";

import { useLanguage, useTitle } from "../language.tsx";
import { Prose } from "../parts/prose.tsx";
import { Link, useFragment } from "../router.tsx";
import { DocumentsSidebar } from "./documents.tsx";
import { Missing } from "./missing.tsx";

function entryOf(path: string): PageEntry | undefined {
  return groups.flatMap(({ pages }) => pages).find((page) => page.path === path);
}

export default function Document({ path }: { path: string }) {
  const { language } = useLanguage();
  const entry = entryOf(path);
  const shown = language === "zh" && entry?.translated ? "zh" : "en";
  const fetch = load[`${shown}/${path}`];
  const [text, setText] = useState<Rendered | null>(null);
  useEffect(() => {
    let wanted = true;
    void fetch?.().then(({ default: rendered }) => wanted && setText(rendered));
    return () => {
      wanted = false;
    };
  }, [fetch]);
  useTitle(text?.title ?? null);
  useFragment(text);
  if (entry === undefined || fetch === undefined) return <Missing />;
  return (
    <div className="with-sidebar">
      <DocumentsSidebar chosen={path} />
      {text !== null && <Text entry={entry} text={text} shown={shown} />}
    </div>
  );
}

function Text({ entry, text, shown }: { entry: PageEntry; text: Rendered; shown: "zh" | "en" }) {
  const { say, language } = useLanguage();
  return (
    <article className="page document">
      <p className="crumbs">
        <Link to="/docs">{say({ zh: "文档", en: "Guides" })}</Link>
      </p>
      <h1 lang={shown === "en" ? "en" : undefined}>{text.title}</h1>
      {language === "zh" && shown === "en" && !entry.mixed && <p className="notice">这一页目前只有英文。</p>}
      {shown === "zh" && entry.stale && <p className="notice">英文原文在翻译之后有改动，以英文为准。可在右上角切换语言。</p>}
      {text.headings.length > 3 && (
        <details className="contents">
          <summary>{say({ zh: "本页内容", en: "On this page" })}</summary>
          <ul>
            {text.headings.map(({ id, text: heading, depth }) => (
              <li key={id} data-depth={depth}>
                <a href={`#${id}`}>{heading}</a>
              </li>
            ))}
          </ul>
        </details>
      )}
      <Prose html={text.html} lang={shown === "en" && language === "zh" ? "en" : undefined} />
    </article>
  );
}
