// Every document, in the groups of docs/README.md.

import { groups, type PageEntry } from "virtual:documents";

import { useLanguage, useTitle } from "../language.tsx";
import { Sidebar } from "../parts/sidebar.tsx";
import { Link } from "../router.tsx";

export function DocumentsSidebar({ chosen }: { chosen: string }) {
  const { say, language } = useLanguage();
  return (
    <Sidebar name={{ zh: "文档目录", en: "All guides" }}>
      {groups
        .filter(({ pages }) => pages.length > 0)
        .map(({ name, pages }) => (
          <details key={name.en} open={pages.some(({ path }) => path === chosen) || /^to (start|build on it)$/.test(name.en)}>
            <summary>{say(name)}</summary>
            <ul>
              {pages.map((page) => (
                <li key={page.path}>
                  <Link to={`/docs/${page.path}`} aria-current={page.path === chosen ? "page" : undefined}>
                    {titleOf(page, language)}
                  </Link>
                </li>
              ))}
            </ul>
          </details>
        ))}
    </Sidebar>
  );
}

export function titleOf({ title }: PageEntry, language: "zh" | "en"): string {
  return language === "zh" ? (title.zh ?? title.en) : title.en;
}

export default function Documents() {
  const { say, language } = useLanguage();
  useTitle(say({ zh: "文档", en: "Guides" }));
  return (
    <div className="page broad">
      <h1>{say({ zh: "文档", en: "Guides" })}</h1>
      <p className="lead">
        {say({
          zh: "接入路径上的文档有中文版；标有「英文」的页面目前只有英文。",
          en: "Everything is in English; what lies on the way of an integrator is in Chinese too.",
        })}
      </p>
      {groups
        .filter(({ pages }) => pages.length > 0)
        .map(({ name, pages }) => (
          <section key={name.en}>
            <h2>{say(name)}</h2>
            <ul className="cards">
              {pages.map((page) => (
                <li key={page.path}>
                  <Link to={`/docs/${page.path}`}>
                    <strong>{titleOf(page, language)}</strong>
                    {language === "zh" && !page.translated && <span className="tag">{page.mixed ? "中英" : "英文"}</span>}
                    {!(language === "zh" && page.translated) && <span lang="en">{page.about}</span>}
                  </Link>
                </li>
              ))}
            </ul>
          </section>
        ))}
    </div>
  );
}
