/** What `Scanner.scan` stopped for. */
export const Scan = {
  /** All complete input is used up; `pos` is where to go on once there are more bytes. Keep `[base, end)` until then. */
  MORE: 0,
  /** The stream's opening tag is complete: `openStream()` tells what it said. */
  STREAM_OPEN: 1,
  /** A whole top-level element is at `[base, pos)`. */
  ELEMENT: 2,
  /** The stream's closing tag. */
  STREAM_CLOSE: 3,
  /** The input is not acceptable: `error` and `errorText`. */
  ERROR: 4,
} as const;
export type Scan = (typeof Scan)[keyof typeof Scan];
