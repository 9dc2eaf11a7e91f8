/** How a client shows that it speaks HTTP/2 without having asked before (RFC 9113 section 3.3). */
import { equalBytes } from "../../http1/copy.ts";
import { PREFACE } from "./layout.ts";

/** As much of the preface as no request of HTTP/1 begins with: its first line, without the line's end. */
const LINE = PREFACE.subarray(0, "PRI * HTTP/2.0".length);

/** Does `bytes[start … end)` begin with it? */
export function beginsAsPreface(bytes: Uint8Array, start: number, end: number): boolean {
  return start + LINE.length <= end && equalBytes(bytes, start, start + LINE.length, LINE);
}
