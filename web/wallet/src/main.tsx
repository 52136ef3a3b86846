import "@shared/theme.css";
import "./styles/wallet.css";
import "./styles/parts.css";

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { App } from "./app.tsx";
import { BASE } from "./router.tsx";

// The service worker answers for what is below the folder, so the address ends with its slash.
if (location.pathname === BASE) history.replaceState(null, "", `${BASE}/${location.search}${location.hash}`);

const place = document.getElementById("app");
if (place === null) throw new Error("the page has no #app");
createRoot(place).render(
  <StrictMode>
    <App />
  </StrictMode>,
);

if ("serviceWorker" in navigator) {
  // Without it the wallet works all the same, only not without network.
  void navigator.serviceWorker.register(`${BASE}/sw.js`).catch(() => {});
}
