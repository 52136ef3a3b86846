// Short texts with `code` and links in them, as the API's descriptions and the registry write them.

import type { ReactNode } from "react";

/** `code` between backticks becomes an element; everything else stays text. */
export function withCode(text: string): ReactNode {
  return text.split(/(`[^`]+`)/).map((part, at) =>
    // The parts of one text never change places.
    part.startsWith("`") && part.length > 2 ? <code key={at}>{part.slice(1, -1)}</code> : part,
  );
}
