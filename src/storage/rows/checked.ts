/** What kinds of rows check of values before they keep them. */

/** Finite and not negative. */
export function isAmount(value: number): boolean {
  return Number.isFinite(value) && value >= 0;
}

/** A whole number that is not negative, and that every backend keeps as it is. */
export function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** Finite and not negative, or NaN for what is not known. */
export function isAmountOrUnknown(value: number): boolean {
  return Number.isNaN(value) || isAmount(value);
}

/** `text` as every backend can keep it, at most `most` characters: without NUL, which PostgreSQL refuses, and half pairs. */
export function keptText(text: string, most: number): string {
  const cut = text.length > most ? text.slice(0, most) : text;
  const whole = cut.isWellFormed() ? cut : cut.toWellFormed();
  return whole.includes("\0") ? whole.replaceAll("\0", "\ufffd") : whole;
}

/** JSON of anything, its texts as `keptText` has them; `null` when JSON cannot say it, or not within `most` characters. */
export function keptJson(value: unknown, most: number): string | null {
  try {
    const json =
      JSON.stringify(value, (_, part: unknown) => (typeof part === "string" ? keptText(part, most) : part)) ?? "null";
    return json.length > most ? null : json;
  } catch {
    return null;
  }
}
