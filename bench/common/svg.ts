/** What plots share. */

/** Text for the inside of an element or an attribute. */
export function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
}
