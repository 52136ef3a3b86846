// What stands around every page: name, ways, search, language.

import { type ReactNode, useEffect, useRef, useState } from "react";

import type { Both } from "@shared/language.ts";

import { useLanguage } from "./language.tsx";
import { Link, PREFIX } from "./router.tsx";
import { Search } from "./search/search.tsx";

export const PLACES: readonly { to: string; name: Both }[] = [
  { to: "/quickstart", name: { zh: "快速开始", en: "Quick start" } },
  { to: "/docs", name: { zh: "文档", en: "Guides" } },
  { to: "/api", name: { zh: "API", en: "API" } },
  { to: "/errors", name: { zh: "错误码", en: "Errors" } },
  { to: "/signatures", name: { zh: "签名调试", en: "Signatures" } },
  { to: "/cashier", name: { zh: "收银台", en: "Cashier" } },
  { to: "/status", name: { zh: "状态", en: "Status" } },
];

const MORE: readonly { to: string; name: Both }[] = [
  { to: "/choose", name: { zh: "选择产品", en: "Which product" } },
  { to: "/docs/guides/going-live", name: { zh: "上线", en: "Going live" } },
  { to: "/feedback", name: { zh: "反馈", en: "Feedback" } },
  { to: "/changelog", name: { zh: "更新日志", en: "Changelog" } },
];

function here(path: string, to: string): "page" | undefined {
  return path === to || path.startsWith(`${to}/`) ? "page" : undefined;
}

export function Frame({ path, children }: { path: string; children: ReactNode }) {
  const { say, change, language } = useLanguage();
  const [open, setOpen] = useState(false);
  const [searching, setSearching] = useState(false);
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  useEffect(() => {
    setOpen(false);
    // After a step inside the site a screen reader begins at the new page; not when the site opens.
    if (first.current) first.current = false;
    else main.current?.focus({ preventScroll: true });
  }, [path]);
  useEffect(() => {
    const key = (event: KeyboardEvent) => {
      const writing = event.target instanceof Element && event.target.closest("input, textarea, select, [contenteditable]");
      if ((event.key === "k" && (event.ctrlKey || event.metaKey)) || (event.key === "/" && !writing)) {
        event.preventDefault();
        setSearching(true);
      }
    };
    addEventListener("keydown", key);
    return () => removeEventListener("keydown", key);
  }, []);
  return (
    <>
      <a className="skip" href="#main">
        {say({ zh: "跳到正文", en: "Skip to the text" })}
      </a>
      <header className="top">
        <div className="bar">
          <Link to="/" className="brand">
            <img src={`${PREFIX}/developers/icon.svg`} alt="" width="32" height="32" />
            <span>{say({ zh: "嘉陵开放平台", en: "Jialing developers" })}</span>
          </Link>
          <nav id="ways" aria-label={say({ zh: "主导航", en: "Main" })} data-open={open}>
            {PLACES.map(({ to, name }) => (
              <Link key={to} to={to} aria-current={here(path, to)}>
                {say(name)}
              </Link>
            ))}
          </nav>
          <div className="tools">
            <button type="button" className="quiet" onClick={() => setSearching(true)} aria-keyshortcuts="Control+K" aria-label={say({ zh: "搜索", en: "Search" })}>
              <SearchSign />
              <span className="wide">{say({ zh: "搜索", en: "Search" })}</span>
              <kbd className="wide" aria-hidden="true">Ctrl K</kbd>
            </button>
            <button type="button" className="quiet" onClick={change} lang={language === "zh" ? "en" : "zh-CN"}>
              {say({ zh: "EN", en: "中文" })}
            </button>
            <button type="button" className="quiet menu" aria-expanded={open} aria-controls="ways" onClick={() => setOpen(!open)}>
              {say({ zh: "菜单", en: "Menu" })}
            </button>
          </div>
        </div>
      </header>
      <main id="main" ref={main} tabIndex={-1}>
        {children}
      </main>
      <footer className="bottom">
        <nav aria-label={say({ zh: "页脚", en: "Footer" })}>
          {MORE.map(({ to, name }) => (
            <Link key={to} to={to}>
              {say(name)}
            </Link>
          ))}
          <a href={`${PREFIX}/openapi.json`}>openapi.json</a>
          <a href={`${PREFIX}/v1/public/keys`}>/v1/public/keys</a>
        </nav>
        <p>{say({ zh: "金额以分为单位，时间为 RFC 3339。一切以文档与测试为准。", en: "Amounts are whole fen, times are RFC 3339. Everything here is tested." })}</p>
      </footer>
      {searching && <Search close={() => setSearching(false)} />}
    </>
  );
}

function SearchSign() {
  return (
    <svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true" fill="none" stroke="currentColor" strokeWidth="2" strokeLinecap="round">
      <circle cx="9" cy="9" r="5.5" />
      <path d="M13.2 13.2 17 17" />
    </svg>
  );
}
