// Which page an address is, and the frame around all of them.

import { lazy, type ReactNode, Suspense } from "react";

import { Languages, useLanguage } from "./language.tsx";
import { Frame } from "./frame.tsx";
import { Home } from "./pages/home.tsx";
import { Missing } from "./pages/missing.tsx";
import { usePath } from "./router.tsx";

const Documents = lazy(() => import("./pages/documents.tsx"));
const Document = lazy(() => import("./pages/document.tsx"));
const Reference = lazy(() => import("./api/reference.tsx"));
const Errors = lazy(() => import("./pages/errors.tsx"));
const Changelog = lazy(() => import("./pages/changelog.tsx"));
const Status = lazy(() => import("./pages/status.tsx"));
const Choose = lazy(() => import("./pages/choose.tsx"));
const Feedback = lazy(() => import("./pages/feedback.tsx"));
const Debugger = lazy(() => import("./signing/debugger.tsx"));
const CashierDemo = lazy(() => import("./pages/cashier.tsx"));

function pageAt(path: string): ReactNode {
  const [, first = "", ...rest] = path.split("/");
  const below = decodeURIComponent(rest.join("/"));
  switch (first) {
    case "":
      return <Home />;
    case "docs":
      return below === "" ? <Documents /> : <Document key={below} path={below} />;
    case "quickstart":
      return <Document key="start/quickstart" path="start/quickstart" />;
    case "api":
      return <Reference operation={below} />;
    case "errors":
      return <Errors code={below} />;
    default:
      return below === "" ? onlyPage(first) : <Missing />;
  }
}

function onlyPage(name: string): ReactNode {
  switch (name) {
    case "changelog":
      return <Changelog />;
    case "status":
      return <Status />;
    case "choose":
      return <Choose />;
    case "feedback":
      return <Feedback />;
    case "signatures":
      return <Debugger />;
    case "cashier":
      return <CashierDemo />;
    default:
      return <Missing />;
  }
}

export function App() {
  return (
    <Languages>
      <Routed />
    </Languages>
  );
}

function Routed() {
  const path = usePath();
  const { say } = useLanguage();
  return (
    <Frame path={path}>
      <Suspense fallback={<p className="loading">{say({ zh: "正在打开…", en: "Opening…" })}</p>}>{pageAt(path)}</Suspense>
    </Frame>
  );
}
