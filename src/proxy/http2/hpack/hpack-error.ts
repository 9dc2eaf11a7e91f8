/**
 * Why a header block can't be read. Whatever the reason, the table of the connection may differ from the peer's from then on:
 * each is a connection error COMPRESSION_ERROR (RFC 9113 section 4.3).
 */

/** Codes of blocks that can't be read: all negative. */
export const HpackError = {
  TRUNCATED: -1,
  INTEGER_TOO_LARGE: -2,
  INVALID_INDEX: -3,
  INVALID_HUFFMAN: -4,
  LATE_SIZE_UPDATE: -5,
  SIZE_UPDATE_TOO_LARGE: -6,
  MISSING_SIZE_UPDATE: -7,
} as const;

const MESSAGES: readonly string[] = Object.freeze([
  "",
  "a header block ends within a field",
  "a number in a header block is too large",
  "a header block refers to a field that is in no table",
  "a string in a header block is no Huffman code",
  "the size of the table is changed behind the beginning of a header block",
  "the size of the table is set above what was announced",
  "the size of the table was not lowered as SETTINGS_HEADER_TABLE_SIZE asks for",
]);

/** What a code (negative, of `HpackError`) means, as part of a sentence. */
export function hpackErrorMessage(code: number): string {
  return MESSAGES[-code];
}
