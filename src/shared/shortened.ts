/** Texts from outside, as far as they are repeated. */

/** At most `most` characters of it, the last of them an ellipsis where something is left out; never half of a character. */
export function shortened(text: string, most: number): string {
  if (text.length <= most) return text;
  const cut = text.slice(0, most - 1);
  return `${/[\uD800-\uDBFF]$/.test(cut) ? cut.slice(0, -1) : cut}…`;
}
