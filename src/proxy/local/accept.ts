/** Which media types a client takes (RFC 9110 section 12.5.1). */

/** How much it wants one, and how exactly it says so. */
export interface Preference {
  /** 0 … 1; 0 = it does not take it. */
  readonly quality: number;
  /** 0 = by a star for everything, or by not saying anything; 1 = for a kind of types; 2 = by name. */
  readonly exactness: number;
}

/** Ranges that are looked at, and parts of each: more than any browser sends, and a bound for the work. */
const MOST_RANGES = 64;
const MOST_PARTS = 8;

/**
 * @param accept the field's value; null = there is none, and everything is as good.
 * @param type lower case, without parameters.
 */
export function preferenceFor(accept: string | null, type: string): Preference {
  if (accept === null || accept.trim() === "") return { quality: 1, exactness: 0 };
  const kind = `${type.slice(0, type.indexOf("/"))}/*`;
  let best: Preference = { quality: 0, exactness: -1 };
  for (const range of accept.split(",", MOST_RANGES)) {
    const [name, ...parameters] = range.split(";", MOST_PARTS).map((part) => part.trim().toLowerCase());
    const exactness = name === type ? 2 : name === kind ? 1 : name === "*/*" ? 0 : -1;
    if (exactness <= best.exactness) continue;
    const weight = parameters.find((parameter) => parameter.startsWith("q="));
    const quality = weight === undefined ? 1 : Number(weight.slice(2));
    best = { quality: quality >= 0 && quality <= 1 ? quality : 0, exactness };
  }
  return best;
}

/** Is `one` wanted at least as much as `other`? */
export function isPreferred(one: Preference, other: Preference): boolean {
  if (one.quality === 0) return false;
  return one.quality > other.quality || (one.quality === other.quality && one.exactness >= other.exactness);
}
