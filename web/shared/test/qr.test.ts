import jsQR from "jsqr";
import { expect, test } from "vitest";

import { QUIET, qrPath } from "../src/qr.ts";

const SCALE = 4;

/** Paints the path as a browser would, then reads it with a decoder that somebody else wrote. */
function read({ size, path }: { size: number; path: string }): string | undefined {
  const side = size * SCALE;
  const pixels = new Uint8ClampedArray(side * side * 4).fill(255);
  for (const [, x, y, run] of path.matchAll(/M(\d+) (\d+)h(\d+)v1h-\d+z/g)) {
    for (let dy = 0; dy < SCALE; dy++) {
      for (let dx = 0; dx < Number(run) * SCALE; dx++) {
        const at = ((Number(y) * SCALE + dy) * side + Number(x) * SCALE + dx) * 4;
        pixels.fill(0, at, at + 3);
      }
    }
  }
  return jsQR(pixels, side, side)?.data;
}

test("a code that is drawn is read again", () => {
  const texts = ["0", "00020101021226580014cn.jialing.pay0136ord_06f3k1v8q0m2r4t6w8y0a2c4e05204581253031565405 12.505802CN6304A13A", "x".repeat(600)];
  for (const text of texts) expect(read(qrPath(text))).toBe(text);
});

test("quiet ground surrounds the code on all sides", () => {
  const { size, path } = qrPath("jialing");
  for (const [, x, y, run] of path.matchAll(/M(\d+) (\d+)h(\d+)/g)) {
    expect(Number(x)).toBeGreaterThanOrEqual(QUIET);
    expect(Number(y)).toBeGreaterThanOrEqual(QUIET);
    expect(Number(x) + Number(run)).toBeLessThanOrEqual(size - QUIET);
    expect(Number(y)).toBeLessThan(size - QUIET);
  }
});
