// Starts the demo on a free port in a temporary folder, and stops it whatever happens.

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const READY_MS = 240_000;

export async function startDemo(...args) {
  const binary = process.env.JIALING;
  if (!binary) throw new Error("JIALING names no binary; run `make test-web`");
  const data = await mkdtemp(join(tmpdir(), "jialing-browser-"));
  const child = spawn(binary, ["demo", "--data", join(data, "demo"), "--port", "0", ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const address = await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`the demo was not ready within ${READY_MS} ms`)), READY_MS);
    const lines = createInterface({ input: child.stdout });
    lines.on("line", (line) => {
      const ready = /^ready (http:\S+)$/.exec(line);
      if (ready) {
        clearTimeout(timer);
        resolve(ready[1]);
      }
    });
    child.once("exit", (code) => reject(new Error(`the demo ended with ${code} before it was ready`)));
  });
  return {
    address,
    data: join(data, "demo"),
    async stop() {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await ended;
      await rm(data, { recursive: true, force: true });
    },
  };
}
