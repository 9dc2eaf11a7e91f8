/** Paths that could lead a server out of a prefix that was written in front of them. */

/** Decodings that somebody may do on a path's way. */
const MOST_DECODINGS = 3;
/** Two dots, each as it is or encoded, however often. Without them nothing climbs. */
const TWO_DOTS = /(?:\.|%(?:25)*(?:2e|u002e|c0%(?:25)*ae)){2}/i;
/** UTF-8 that is longer than it has to be, as some read it. */
const OVERLONG = /%(?:25)*c0%/i;
/**
 * `..` between what servers take for slashes, with blanks around it, or with parameters, or with what a reader of
 * NUL-terminated text or of a whole target does not see behind it.
 */
const PARENT = /(?:^|[/\\])\s*\.\.\s*(?:[/\\;?#\0]|$)/;
/** An octet, percent-encoded; of `%uXXXX`, which some know, the low byte counts. */
const ENCODED = /%(?:u[0-9a-f]{2})?([0-9a-f]{2})/gi;

/**
 * May a server read `..` in it, however it decodes (more than once, a backslash or an encoded slash as a slash, without what
 * follows a semicolon or an encoded NUL)? It takes more for possible than the readings that routes are found by.
 */
export function mayClimb(path: string): boolean {
  if (!TWO_DOTS.test(path)) return false;
  if (OVERLONG.test(path)) return true;
  let text = path;
  for (let decodings = 0; decodings <= MOST_DECODINGS; decodings++) {
    if (PARENT.test(text)) return true;
    if (!text.includes("%")) return false;
    text = text.replace(ENCODED, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
  }
  return true; // encoded so often, nobody knows
}
