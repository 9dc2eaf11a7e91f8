/**
 * Text from outside (settings, names, logs, answers) as a terminal or a log may show it. Control characters, escape
 * sequences, line ends and marks that turn the direction of writing do nothing there: they are shown.
 */

/** Controls (C0, DEL, C1), format characters (bidirectional marks, zero width), line separators, lone surrogates. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
const INVISIBLE_EXCEPT_LINE_FEED = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
const SHORT: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** One value or one line: line feeds are escaped, too. In JSON text every escape means what it stands for. */
export function visible(text: string): string {
  return text.replace(INVISIBLE, escaped);
}

/** Text of several lines that are our own. */
export function visibleLines(text: string): string {
  return text.replace(INVISIBLE_EXCEPT_LINE_FEED, escaped);
}

function escaped(character: string): string {
  const short = SHORT[character];
  if (short !== undefined) return short;
  let codes = "";
  // By code unit: beyond the basic plane JSON knows no other way (RFC 8259 section 7).
  for (let i = 0; i < character.length; i++) codes += `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`;
  return codes;
}
