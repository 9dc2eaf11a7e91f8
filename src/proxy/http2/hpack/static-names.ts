/** Names of the static table, found by their bytes, whatever their letter case: without a string. */
import { STATIC_BYTES, STATIC_ENTRIES, STATIC_NAME_ENDS, STATIC_STARTS } from "./static-table.ts";

/** First entry for (length × 32 + low five bits of the first byte), of those that are no pseudo-fields; 0 = none. */
const LONGEST = longestName();
const FIRST = new Uint8Array((LONGEST + 1) * 32);
/** Next entry with the same length and first letter; 0 = none. */
const NEXT = new Uint8Array(STATIC_ENTRIES + 1);
for (let index = STATIC_ENTRIES; index > 0; index--) {
  const key = (STATIC_NAME_ENDS[index] - STATIC_STARTS[index]) * 32 + (STATIC_BYTES[STATIC_STARTS[index]] & 31);
  NEXT[index] = FIRST[key];
  FIRST[key] = index;
}

/** The first entry with the name `buf[start … end)`, a token; 0 = there is none. */
export function staticNameIndex(buf: Uint8Array, start: number, end: number): number {
  const length = end - start;
  let index = length > LONGEST ? 0 : FIRST[length * 32 + (buf[start] & 31)];
  while (index !== 0 && !isName(buf, start, end, STATIC_STARTS[index])) index = NEXT[index];
  return index;
}

/** Token bytes that become a lower-case letter or a hyphen by setting bit 5 are that letter or hyphen. */
function isName(buf: Uint8Array, start: number, end: number, at: number): boolean {
  for (let i = start; i < end; i++, at++) if ((buf[i] | 0x20) !== STATIC_BYTES[at]) return false;
  return true;
}

function longestName(): number {
  let longest = 0;
  for (let index = 1; index <= STATIC_ENTRIES; index++) {
    longest = Math.max(longest, STATIC_NAME_ENDS[index] - STATIC_STARTS[index]);
  }
  return longest;
}
