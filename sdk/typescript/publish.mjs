// Puts the built verifier where the city's page is served from, so that the page runs this very source.
// `node publish.mjs` writes it; `node publish.mjs --check` fails when what is there is not what was built.

import { readdir, readFile, writeFile } from "node:fs/promises";

const BUILT = new URL("dist/", import.meta.url);
const SERVED = new URL("../../crates/gateway/assets/sdk/", import.meta.url);

const files = (await readdir(BUILT)).filter((name) => name.endsWith(".js"));
const served = (await readdir(SERVED)).filter((name) => name.endsWith(".js"));
const stale = served.filter((name) => !files.includes(name));
for (const name of files) {
  const built = await readFile(new URL(name, BUILT), "utf8");
  if (process.argv.includes("--check")) {
    const there = await readFile(new URL(name, SERVED), "utf8").catch(() => "");
    if (there !== built) stale.push(name);
  } else {
    await writeFile(new URL(name, SERVED), built);
  }
}
if (stale.length > 0) {
  console.error(`crates/gateway/assets/sdk is not what sdk/typescript builds: ${stale.join(", ")}. Run \`npm run publish-page\` there`);
  process.exit(1);
}
