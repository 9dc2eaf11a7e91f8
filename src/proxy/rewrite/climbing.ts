/** Paths that could lead a server out of a prefix that was written in front of them. */

/** Decodings that somebody may do on a path's way. */
const MOST_DECODINGS = 3;
/** Longer paths are not decoded: that would take time. */
const MOST_BYTES = 8192;
/** UTF-8 that is longer than it has to be: some decoders read what it would mean, also where its last byte is another. */
const OVERLONG = /(?:[\xc0\xc1]|\xe0[\x80-\x9f]|\xf0[\x80-\x8f][\x80-\xbf])[\0-\xff]/g;
/**
 * `..` between what servers take for slashes, with blanks around it, or with parameters, or with what a reader of
 * NUL-terminated text, of text that ends at any control character, or of a whole target does not see behind it.
 */
const PARENT = /(?:^|[/\\])\s*\.\.\s*(?:[/\\;?#\0-\x1f\x7f]|$)/;
/** An octet, percent-encoded; of `%uXXXX`, which some know, the low byte counts, or what it is the wide form of. */
const ENCODED = /%(?:u([0-9a-f]{2}))?([0-9a-f]{2})/gi;
/** U+FF01 to U+FF5E are wide forms of ASCII: the high byte, and what makes the character of the low one. */
const WIDE = "ff";
const WIDE_OFFSET = 0x20;

/**
 * May a server read `..` in it, however it decodes (more than once, a backslash or an encoded slash as a slash, without what
 * follows a semicolon or an encoded NUL)? It takes more for possible than the readings that routes are found by.
 */
export function mayClimb(path: string): boolean {
  if (path.length > MOST_BYTES && path.includes("%")) return true;
  let text = path;
  for (let decodings = 0; decodings <= MOST_DECODINGS; decodings++) {
    if (PARENT.test(text) || PARENT.test(text.replace(OVERLONG, shortened))) return true;
    const next = text.includes("%") ? text.replace(ENCODED, decoded) : text;
    if (next === text) return false;
    text = next;
  }
  return true; // encoded so often, nobody knows
}

function decoded(_: string, high: string | undefined, low: string): string {
  const offset = high?.toLowerCase() === WIDE ? WIDE_OFFSET : 0;
  return String.fromCharCode((Number.parseInt(low, 16) + offset) & 0xff);
}

function shortened(bytes: string): string {
  const last = bytes.length - 1;
  return String.fromCharCode(((bytes.charCodeAt(last - 1) & 1) << 6) | (bytes.charCodeAt(last) & 0x3f));
}
