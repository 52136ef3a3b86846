// Builds every application into dist/NAME, and keeps their weight: a build that grows beyond it fails.

import { readFile, readdir, writeFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { gzipSync } from "node:zlib";

import { build } from "vite";

import { application, dropIn, WEB, worker } from "./vite.config.mjs";

/** Bytes after gzip that a browser fetches before the page works. */
const MOST = { cashier: 60_000, "jialing-pay.js": 10_000, developers: 130_000, wallet: 110_000 };

await build(application("cashier"));
await build(dropIn);
await build(application("developers"));
await build(application("wallet"));
await build(worker(await shellOf("wallet")));

const gzipped = async (path) => gzipSync(await readFile(path), { level: 9 }).length;

/** Every file of a built application, as its service worker fetches them. */
async function shellOf(name) {
  const files = await readdir(join(WEB, "dist", name), { recursive: true, withFileTypes: true });
  const paths = files.filter((file) => file.isFile()).map((file) => relative(join(WEB, "dist"), join(file.parentPath, file.name)));
  return paths.map((path) => `/${path.split(sep).join("/")}`).filter((path) => !path.endsWith("/index.html")).sort();
}

/** What index.html names: its scripts, styles and what they preload. */
async function weigh(name) {
  const folder = join(WEB, "dist", name);
  const html = await readFile(join(folder, "index.html"), "utf8");
  const named = [...html.matchAll(/(?:src|href)="\/[a-z]+\/([^"]+)"/g)].map(([, path]) => join(folder, path));
  const sizes = await Promise.all([join(folder, "index.html"), ...named].map(gzipped));
  return sizes.reduce((sum, size) => sum + size, 0);
}

const weights = {
  cashier: await weigh("cashier"),
  "jialing-pay.js": await gzipped(join(WEB, "dist/cashier/jialing-pay.js")),
  developers: await weigh("developers"),
  wallet: await weigh("wallet"),
};
for (const [name, weight] of Object.entries(weights)) {
  console.log(`web: ${name} ${(weight / 1000).toFixed(1)} kB gzipped`);
  if (weight > MOST[name]) throw new Error(`${name} weighs ${weight} bytes gzipped, more than ${MOST[name]}`);
}

// The server sends these instead where a browser takes gzip, so that it need not compress.
for (const name of await readdir(join(WEB, "dist"), { recursive: true })) {
  if (!/\.(html|js|css|json|svg|webmanifest)$/.test(name)) continue;
  const path = join(WEB, "dist", name);
  const content = await readFile(path);
  if (content.length > 1024) await writeFile(`${path}.gz`, gzipSync(content, { level: 9 }));
}
