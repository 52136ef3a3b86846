// Code 128, set B: the bars of a text of printable ASCII, for scanners that read bars only.

// Widths of bar, space, bar, space, bar, space for the values 0 to 102, then the three starts (ISO/IEC 15417).
const WIDTHS =
  "212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212 112232 122132 122231 113222 123122 123221 223211 221132 221231 213212 223112 312131 311222 321122 321221 312212 322112 322211 212123 212321 232121 111323 131123 131321 112313 132113 132311 211313 231113 231311 112133 112331 132131 113123 113321 133121 313121 211331 231131 213113 213311 213131 311123 311321 331121 312113 312311 332111 314111 221411 431111 111224 111422 121124 121421 141122 141221 112214 112412 122114 122411 142112 142211 241211 221114 413111 241112 134111 111242 121142 121241 114212 124112 124211 411212 421112 421211 212141 214121 412121 111143 111341 131141 114113 114311 411113 411311 113141 114131 311141 411131 211412 211214 211232".split(" ");
const START_B = 104;
const STOP = "2331112";
/** Modules of quiet ground at each end; the standard asks for ten. */
export const QUIET = 10;

/** The values of a text: start, characters, check. */
export function valuesOf(text: string): number[] {
  const values = [...text].map((character) => {
    const value = character.charCodeAt(0) - 32;
    if (value < 0 || value > 94) throw new RangeError("set B holds printable ASCII only");
    return value;
  });
  const check = values.reduce((sum, value, place) => sum + value * (place + 1), START_B) % 103;
  return [START_B, ...values, check];
}

export interface Bars {
  /** Modules in all, the quiet ground included. */
  readonly size: number;
  /** Dark runs: where they begin, and how many modules they take. */
  readonly runs: readonly (readonly [from: number, width: number])[];
}

export function barsOf(text: string): Bars {
  const widths = [...valuesOf(text).map((value) => WIDTHS[value] ?? ""), STOP].join("");
  const runs: [number, number][] = [];
  let at = QUIET;
  [...widths].forEach((width, place) => {
    if (place % 2 === 0) runs.push([at, Number(width)]);
    at += Number(width);
  });
  return { size: at + QUIET, runs };
}
