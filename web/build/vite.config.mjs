// One configuration for the pages, the drop-in script and the tests.

import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { defineConfig } from "vite";

import { documents } from "./documents.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

export const WEB = here("..");
const SHARED = join(WEB, "shared/src");

/** What all of them share. */
export const shared = {
  configFile: false,
  logLevel: "warn",
  resolve: { alias: { "@shared": SHARED, "@jialing/sdk/offline": here("../../sdk/typescript/dist/offline.js"), "@jialing/sdk": here("../../sdk/typescript/dist/index.js") } },
};

/** The configuration of one application, served below `/NAME/`. */
export function application(name) {
  return {
    ...shared,
    root: here(`../${name}`),
    base: `/${name}/`,
    plugins: name === "developers" ? [documents()] : [],
    build: {
      outDir: here(`../dist/${name}`),
      emptyOutDir: true,
      // Pages may load only what the server serves, as files: nothing is put into the page itself.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
      chunkSizeWarningLimit: 1000,
      rolldownOptions: { checks: { pluginTimings: false } },
    },
  };
}

/** The drop-in script: one classic script without imports, in a file whose name never changes. */
export const dropIn = {
  ...shared,
  root: here("../cashier"),
  build: {
    outDir: here("../dist/cashier"),
    emptyOutDir: false,
    reportCompressedSize: false,
    lib: { entry: here("../cashier/pay/jialing-pay.ts"), formats: ["iife"], name: "jialingPay", fileName: () => "jialing-pay.js" },
  },
};

/** The wallet's service worker: one classic script beside the application, that keeps the files `shell` names. */
export function worker(shell) {
  return {
    ...shared,
    root: here("../wallet"),
    define: { SHELL: JSON.stringify(shell) },
    publicDir: false,
    build: {
      outDir: here("../dist/wallet"),
      emptyOutDir: false,
      reportCompressedSize: false,
      lib: { entry: here("../wallet/worker/sw.ts"), formats: ["iife"], name: "jialingWallet", fileName: () => "sw.js" },
    },
  };
}

// Vitest's own.
export default defineConfig({
  ...shared,
  root: WEB,
  plugins: [documents()],
  // The documents are many, and the machine may be busy.
  test: { testTimeout: 60_000, include: ["*/test/**/*.test.ts", "*/test/**/*.test.tsx"] },
});
