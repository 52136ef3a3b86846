import html from "virtual:changelog";

import { useLanguage, useTitle } from "../language.tsx";
import { Prose } from "../parts/prose.tsx";

export default function Changelog() {
  const { say } = useLanguage();
  useTitle(say({ zh: "更新日志", en: "Changelog" }));
  return (
    <article className="page">
      <h1>{say({ zh: "更新日志", en: "Changelog" })}</h1>
      <Prose html={html} />
    </article>
  );
}
