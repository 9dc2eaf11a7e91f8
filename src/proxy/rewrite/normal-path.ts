/**
 * The normal form of a path (RFC 3986 section 6.2.2), as text: for paths that are not in it already, which few are. Routes
 * are matched on it.
 */

/** One percent-encoded byte. */
const ESCAPE = /%([0-9A-Fa-f]{2})/g;
/** Bytes that mean the same with and without encoding (section 2.3). */
const UNRESERVED = /[A-Za-z0-9._~-]/;
/** What servers take for the end of a segment, beside the slash. */
const SEPARATOR = /[/\\]/;
/** Decodings that somebody may do on a path's way. */
const MOST_DECODINGS = 3;

/** Unreserved characters decoded, the digits of other encodings in capitals, dot segments left in. */
export function decodeUnreserved(path: string): string {
  return path.replace(ESCAPE, (encoded, digits: string) => {
    const character = String.fromCharCode(Number.parseInt(digits, 16));
    return UNRESERVED.test(character) ? character : encoded.toUpperCase();
  });
}

/** The normal form of a path that begins with a slash, without a query. */
export function normalPath(path: string): string {
  return withoutDotSegments(decodeUnreserved(path));
}

/** Has it segments that are `.` or `..`? */
export function hasDotSegments(path: string): boolean {
  return path.split("/").some((segment) => segment === "." || segment === "..");
}

/** RFC 3986 section 5.2.4, of a path that begins with a slash. */
function withoutDotSegments(path: string): string {
  const kept: string[] = [];
  const segments = path.split("/").slice(1);
  for (const [index, segment] of segments.entries()) {
    const last = index === segments.length - 1;
    if (segment === "..") kept.pop();
    if (segment !== ".." && segment !== ".") kept.push(segment);
    else if (last) kept.push("");
  }
  return `/${kept.join("/")}`;
}

/**
 * May a server read `..` in it, however it decodes (more than once, a backslash or an encoded slash as a slash, without what
 * follows a semicolon or an encoded NUL)? Behind a prefix that was written by us that would lead out of it.
 */
export function mayClimb(path: string): boolean {
  let text = path;
  for (let decodings = 0; decodings <= MOST_DECODINGS; decodings++) {
    if (text.split(SEPARATOR).some(isParent)) return true;
    const next = text.replace(ESCAPE, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
    if (next === text) return false;
    text = next;
  }
  return false;
}

/** `..`, with parameters or what a reader of NUL-terminated text does not see behind it, and with blanks around it. */
function isParent(segment: string): boolean {
  return /^\s*\.\.\s*(?:[;\0]|$)/.test(segment);
}
