/**
 * What each byte may be in HTTP/1.1 (RFC 9110 section 5.6, RFC 9112), as one table of bit sets: a scan is a loop of
 * `CHAR_CLASS[byte] & bit`, with no branch per kind of byte.
 */

/** `tchar`: methods, field names, connection options (RFC 9110 section 5.6.2). */
export const TOKEN = 1;
/** Field content: VCHAR, obs-text, SP and HTAB (RFC 9110 section 5.5). */
export const VALUE = 2;
/** Request target: VCHAR without `#`; a fragment is never sent (RFC 9112 section 3.2). */
export const TARGET = 4;
/** A hexadecimal digit. */
export const HEX = 8;
/** A decimal digit. */
export const DIGIT = 16;
/** `reg-name` without `%` (RFC 3986 section 3.2.2), and without `,`: that is how merged duplicates of Host look. */
export const HOST_CHAR = 32;
/** SP and HTAB: optional white space (RFC 9110 section 5.6.3). */
export const OWS = 64;
/** What servers have in field values, too: any byte but CR, LF and NUL, which no reader keeps (RFC 9110 section 5.5). */
export const LAX_VALUE = 128;

/** Bytes by their names in RFC 5234 and in ASCII. */
export const HTAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SP = 0x20;
export const DQUOTE = 0x22;
export const HASH = 0x23;
export const PERCENT = 0x25;
export const ASTERISK = 0x2a;
export const COMMA = 0x2c;
export const DOT = 0x2e;
export const SLASH = 0x2f;
export const ZERO = 0x30;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;
export const EQUALS = 0x3d;
export const QUESTION = 0x3f;
export const LEFT_BRACKET = 0x5b;
export const BACKSLASH = 0x5c;
export const RIGHT_BRACKET = 0x5d;
export const UNDERSCORE = 0x5f;

/** Bit set of classes for each byte. */
export const CHAR_CLASS: Uint8Array = buildClasses();

/** Value of a hexadecimal digit; 255 for any other byte. */
export const HEX_VALUE: Uint8Array = buildHexValues();

function buildClasses(): Uint8Array {
  const table = new Uint8Array(256);
  for (let byte = 0x20; byte < 256; byte++) if (byte !== 0x7f) table[byte] |= VALUE;
  table[HTAB] |= VALUE | OWS;
  for (let byte = 1; byte < 256; byte++) if (byte !== CR && byte !== LF) table[byte] |= LAX_VALUE;
  table[SP] |= OWS;
  for (let byte = 0x21; byte < 0x7f; byte++) if (byte !== HASH) table[byte] |= TARGET;
  mark(table, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", TOKEN | HOST_CHAR);
  mark(table, "!#$%&'*+-.^_`|~", TOKEN);
  mark(table, "-._~!$&'()*+;=", HOST_CHAR);
  mark(table, "0123456789", DIGIT | HEX);
  mark(table, "abcdefABCDEF", HEX);
  return table;
}

function buildHexValues(): Uint8Array {
  const table = new Uint8Array(256).fill(255);
  for (let digit = 0; digit < 16; digit++) {
    const text = digit.toString(16);
    table[text.charCodeAt(0)] = digit;
    table[text.toUpperCase().charCodeAt(0)] = digit;
  }
  return table;
}

function mark(table: Uint8Array, characters: string, bits: number): void {
  for (let i = 0; i < characters.length; i++) table[characters.charCodeAt(i)] |= bits;
}
