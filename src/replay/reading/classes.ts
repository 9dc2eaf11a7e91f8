/**
 * Kinds of requests in a log: which paths are alike, and which kinds are frequent enough to be told apart. Everything here
 * is bounded, whatever is asked for: scanners ask for a different path every time.
 */

/** What stands for all kinds that are rare. */
export const OTHER_CLASS = "other";
/** Kinds that are told apart at most, `other` among them. */
export const MAX_CLASSES = 16;
/** A kind has at least this share of the requests. */
const MIN_SHARE = 0.005;
/** Kinds that are counted at a time. */
const MAX_COUNTED = 4096;
const MAX_SEGMENTS = 6;
const MAX_SEGMENT = 40;

/** `GET /users/:id/orders`: method and path, without the query, with `:id` for what names one thing among many alike. */
export function requestPattern(method: string, target: string): string {
  return `${METHOD.test(method) ? method : "?"} ${pathPattern(target)}`;
}

/** The path of a request target, with `:id` for numbers, UUIDs and other long names that no person gave. */
export function pathPattern(target: string): string {
  let path = target;
  const scheme = path.indexOf("://");
  if (scheme > 0 && !path.startsWith("/")) {
    const slash = path.indexOf("/", scheme + 3);
    path = slash < 0 ? "/" : path.slice(slash);
  }
  const end = path.search(/[?#]/);
  if (end >= 0) path = path.slice(0, end);
  const segments = path.split("/", MAX_SEGMENTS + 2).slice(1);
  const shown = segments.slice(0, MAX_SEGMENTS).map((segment) => named(segment));
  return `/${shown.join("/")}${segments.length > MAX_SEGMENTS ? "/…" : ""}`;
}

const METHOD = /^[A-Z]{1,16}$/;
const DIGIT = /\d/;
const NUMBER = /^-?\d+$/;
const HEXADECIMAL = /^(?=.*\d)[0-9a-f-]{8,}$/i;
/** Base64, ULID, and what else has digits among letters without a pause. */
const TOKEN = /^(?=.*\d)(?=.*[a-z])[\w=~-]{20,}$/i;

/** A file's extension stays: pictures are not like pages. */
const EXTENSION = /\.[a-z][a-z0-9]{0,4}$/i;

function named(segment: string): string {
  if (!DIGIT.test(segment) && segment.length <= MAX_SEGMENT) return segment;
  const extension = EXTENSION.exec(segment)?.[0] ?? "";
  return isIdentifier(segment.slice(0, segment.length - extension.length)) ? `:id${extension}` : segment;
}

function isIdentifier(segment: string): boolean {
  return NUMBER.test(segment) || segment.length > MAX_SEGMENT || HEXADECIMAL.test(segment) || TOKEN.test(segment);
}

/** Finds the frequent ones among any number of patterns, in bounded memory. */
export class ClassCounter {
  readonly #counts = new Map<string, number>();
  #total = 0;

  count(pattern: string): void {
    this.#total++;
    const before = this.#counts.get(pattern);
    if (before === undefined && this.#counts.size >= MAX_COUNTED) this.#forgetRare();
    this.#counts.set(pattern, (before ?? 0) + 1);
  }

  /** The frequent ones, the most frequent first; `other` at the end where there are others. */
  classes(): string[] {
    const least = Math.max(1, this.#total * MIN_SHARE);
    const frequent = [...this.#counts]
      .filter(([, count]) => count >= least)
      .sort(([nameA, a], [nameB, b]) => b - a || (nameA < nameB ? -1 : 1))
      .slice(0, MAX_CLASSES - 1);
    const covered = frequent.reduce((sum, [, count]) => sum + count, 0);
    const names = frequent.map(([name]) => name);
    return covered < this.#total ? [...names, OTHER_CLASS] : names;
  }

  /** The lower half goes: what is frequent comes again. */
  #forgetRare(): void {
    const counts = [...this.#counts.values()].sort((a, b) => a - b);
    const median = counts[counts.length >> 1];
    for (const [pattern, count] of this.#counts) if (count <= median) this.#counts.delete(pattern);
  }
}
