import "@shared/theme.css";
import "./styles/site.css";
import "./styles/prose.css";
import "./styles/parts.css";

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { App } from "./app.tsx";

const place = document.getElementById("app");
if (place === null) throw new Error("the page has no #app");
createRoot(place).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
