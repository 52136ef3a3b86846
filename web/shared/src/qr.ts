// A QR code as one path of an SVG: sharp at every size, nothing to load, and readable by a printer.

import { encode } from "uqr";

/** Modules of quiet ground around a code; the standard asks for four. */
export const QUIET = 4;

export interface QrPath {
  /** Modules along a side, the quiet ground included. */
  readonly size: number;
  /** The dark modules, one run of a row after the other. */
  readonly path: string;
}

/** Draws `text` with error correction M: a quarter of what a smudged screen hides is mended. */
export function qrPath(text: string): QrPath {
  const { data, size } = encode(text, { ecc: "M", border: QUIET });
  let path = "";
  data.forEach((row, y) => {
    for (let x = 0; x < size; x++) {
      if (row[x] !== true) continue;
      const from = x;
      while (row[x + 1] === true) x++;
      const run = x - from + 1;
      path += `M${from} ${y}h${run}v1h-${run}z`;
    }
  });
  return { size, path };
}
