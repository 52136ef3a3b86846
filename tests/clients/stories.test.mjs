// Every client tells the same story against one running platform, under every suite.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { verifyReceipt } from "../../sdk/typescript/dist/index.js";
import { hear, tell } from "./story.mjs";
import { openTown } from "./town.mjs";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
let opened;

before(async () => {
  opened = await openTown();
});

after(() => opened?.close());

/** Runs a client's own program to its end, with the town in its environment; what it said. */
async function run(command, ...args) {
  const child = spawn(command, args, { cwd: ROOT, env: { ...process.env, JIALING_TOWN: JSON.stringify(opened.town) }, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (piece) => (said += piece));
  const code = await new Promise((resolve, reject) => child.once("error", reject).once("exit", resolve));
  assert.equal(code, 0, said);
  assert.match(said, /^the story is told under ED25519, SHA256-RSA2048, SM2-WITH-SM3$/m);
  return said;
}

test("TypeScript tells the story under every suite", async () => {
  for (const suite of Object.keys(opened.town.keys)) await tell(opened.town, suite);
  await hear();
});

test("Python tells the story under every suite", () => run("python3", "tests/clients/story.py"));

test("Java tells the story under every suite, and the receipts that it read hold", async () => {
  const said = await run("java", "-cp", "sdk/java/out/classes:sdk/java/out/tests", "io.jialing.Story");
  const receipts = [...said.matchAll(/^receipt (.*)$/gm)].map(([, json]) => JSON.parse(json));
  assert.equal(receipts.length, 3);
  for (const receipt of receipts) assert.equal((await verifyReceipt(receipt, { ledger: opened.town.ledger })).amount, 1250n);
});
