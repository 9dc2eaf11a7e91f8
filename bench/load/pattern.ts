/**
 * The one body that all benchmark messages carry a prefix of. Every byte that passes a proxy is compared with it, so a
 * byte lost, repeated or moved is seen. Bytes at a distance of 64 KiB differ: the text numbers its lines.
 */
export const PATTERN_BYTES = 4 * 1024 * 1024;

const LINE_BYTES = 64;

export const PATTERN: Buffer = makePattern();

function makePattern(): Buffer {
  const bytes = Buffer.alloc(PATTERN_BYTES);
  for (let at = 0; at < PATTERN_BYTES; at += LINE_BYTES) {
    bytes.write(`line ${(at / LINE_BYTES).toString().padStart(8, "0")} `.padEnd(LINE_BYTES - 1, "abcdefghijklm"), at);
    bytes[at + LINE_BYTES - 1] = 10;
  }
  return bytes;
}

/** Is `data[start … end)` what a body has from `offset` on? */
export function matchesPattern(data: Buffer, start: number, end: number, offset: number): boolean {
  const length = end - start;
  if (offset + length > PATTERN_BYTES) return false;
  return data.compare(PATTERN, offset, offset + length, start, end) === 0;
}
