/** Whether the rest of a path stays below the place where it begins, however a server reads its dot segments. */
import { DOT, PERCENT, QUESTION, SEMICOLON, SLASH } from "../http1/char-class.ts";

const DIGIT_2 = 0x32;
const UPPER_E = 0x45;
const LOWER_E = 0x65;

/**
 * Does no `..` between `buf[start]`, which follows a slash, and `end` lead above it? Empty segments count for nothing, and
 * dots may be percent-encoded: a path that some server reads as one that leaves, leaves.
 */
export function staysBelow(buf: Uint8Array, start: number, end: number): boolean {
  let depth = 0;
  let at = start;
  while (at < end && buf[at] !== QUESTION) {
    let dots = 0;
    let others = 0;
    let inParameters = false;
    for (; at < end && buf[at] !== SLASH && buf[at] !== QUESTION; at++) {
      if (buf[at] === SEMICOLON) inParameters = true; // "..;x" is ".." to some
      if (inParameters) continue;
      if (buf[at] === DOT) dots++;
      else if (isEncodedDot(buf, at, end)) {
        dots++;
        at += 2;
      } else others++;
    }
    if (others > 0 || dots > 2) depth++;
    else if (dots === 2 && --depth < 0) return false;
    if (buf[at] === SLASH) at++;
  }
  return true;
}

function isEncodedDot(buf: Uint8Array, at: number, end: number): boolean {
  if (buf[at] !== PERCENT || at + 2 >= end || buf[at + 1] !== DIGIT_2) return false;
  return buf[at + 2] === UPPER_E || buf[at + 2] === LOWER_E;
}
