// A stranger's way: a sandbox of one's own, the example shop, and a signed report that says PASSED.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const BINARY = join(ROOT, process.env.JIALING ?? "target/debug/jialing");
const children = [];
let folder;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "jialing-conform-"));
  await mkdir(join(folder, "node_modules/@jialing"), { recursive: true });
  await symlink(join(ROOT, "sdk/typescript"), join(folder, "node_modules/@jialing/sdk"));
});

after(async () => {
  const ended = children.map((child) => (child.exitCode === null ? new Promise((resolve) => child.once("exit", resolve)) : null));
  for (const child of children) child.kill("SIGTERM");
  await Promise.all(ended);
  await rm(folder, { recursive: true, force: true });
});

/** Starts a server; the address that it says it is ready at. */
function serve(command, ...args) {
  const child = spawn(command, args, { cwd: folder, stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  return new Promise((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`${command} ended with ${code}`)));
    createInterface({ input: child.stdout }).on("line", (line) => {
      const ready = /^ready (http:\S+)$/.exec(line);
      if (ready) resolve(ready[1]);
    });
  });
}

/** Runs to the end; what was said. */
function run(...args) {
  const child = spawn(BINARY, args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  children.push(child);
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (piece) => (said += piece));
  return new Promise((resolve, reject) => child.once("error", reject).once("close", (code) => resolve({ code, said })));
}

test("the example shop passes the suite from nothing to a signed report", async () => {
  const sandboxes = await serve(BINARY, "sandbox", "serve", "--port", "0");
  const made = await run("sandbox", "create", "--url", sandboxes);
  assert.equal(made.code, 0, made.said);
  await symlink(join(ROOT, "sdk/typescript/examples/shop.mjs"), join(folder, "shop.mjs"));
  const shop = await serve("node", "--preserve-symlinks-main", "--preserve-symlinks", "shop.mjs", "jialing-sandbox.json", "0");
  const passed = await run("conform", "--receiver", `${shop}/webhooks`, "--trigger", `${shop}/suite`, "--system", "Example", "--system-version", "1");
  assert.equal(passed.code, 0, passed.said);
  assert.match(passed.said, /PASSED/);
  const verified = await run("conform", "verify", "conformance.html");
  assert.equal(verified.code, 0, verified.said);
});
