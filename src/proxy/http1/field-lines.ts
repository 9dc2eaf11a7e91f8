/** The field lines of a head (RFC 9112 section 5): syntax and identities, nothing about what they mean. */
import { CHAR_CLASS, COLON, CR, HTAB, LAX_VALUE, LF, OWS, SP, TOKEN, VALUE } from "./char-class.ts";
import { fieldIdOf, SEEN_IDS } from "./field-names.ts";
import { FIELD_STRIDE, FieldPart, type MessageHead } from "./head.ts";
import { INCOMPLETE, ParseError } from "./parse-error.ts";

/**
 * Reads field lines from `pos` up to and with the blank line into `head`. Errors are found in the order of the bytes,
 * so a longer input never turns one error into another.
 * @param lax as servers write them: a line may end in LF alone (RFC 9112 section 2.2), a value have control characters.
 * @returns the offset after the blank line, `INCOMPLETE` or a `ParseError`.
 */
export function readFieldLines(
  buf: Uint8Array,
  start: number,
  end: number,
  head: MessageHead,
  maxFields: number,
  lax: boolean,
): number {
  const { fields, ids, lastIndex } = head;
  const capacity = Math.min(maxFields, ids.length);
  let pos = start;
  let count = 0;
  let seen = 0;
  let repeated = 0;
  let bareLineFeeds = false;
  const valueClass = lax ? LAX_VALUE : VALUE;
  while (pos < end) {
    let byte = buf[pos];
    if (byte === CR || (lax && byte === LF)) {
      if (byte === LF) {
        bareLineFeeds = true;
        pos--;
      } else {
        if (pos + 1 >= end) return INCOMPLETE;
        if (buf[pos + 1] !== LF) return ParseError.BARE_CR;
      }
      head.bareLineFeeds = bareLineFeeds;
      head.fieldCount = count;
      head.seen = seen;
      head.repeated = repeated;
      return pos + 2;
    }
    if (count === capacity) return ParseError.TOO_MANY_FIELDS;

    const nameStart = pos;
    while ((CHAR_CLASS[byte] & TOKEN) !== 0) {
      if (++pos === end) return INCOMPLETE;
      byte = buf[pos];
    }
    if (byte !== COLON || pos === nameStart) return nameError(byte, pos - nameStart, count);
    const nameEnd = pos;

    do {
      if (++pos === end) return INCOMPLETE;
      byte = buf[pos];
    } while (byte === SP || byte === HTAB);
    const valueStart = pos;
    while ((CHAR_CLASS[byte] & valueClass) !== 0) {
      if (++pos === end) return INCOMPLETE;
      byte = buf[pos];
    }
    let valueEnd = pos;
    if (byte === CR) {
      if (++pos === end) return INCOMPLETE;
      if (buf[pos] !== LF) return ParseError.BARE_CR;
    } else if (byte !== LF) return ParseError.INVALID_FIELD_VALUE;
    else if (lax) bareLineFeeds = true;
    else return ParseError.BARE_LF;
    while (valueEnd > valueStart && (CHAR_CLASS[buf[valueEnd - 1]] & OWS) !== 0) valueEnd--;
    pos++;

    const id = fieldIdOf(buf, nameStart, nameEnd);
    const at = count * FIELD_STRIDE;
    fields[at] = nameStart;
    fields[at + FieldPart.NAME_END] = nameEnd;
    fields[at + FieldPart.VALUE_START] = valueStart;
    fields[at + FieldPart.VALUE_END] = valueEnd;
    fields[at + FieldPart.LINE_END] = pos;
    ids[count] = id;
    if (id < SEEN_IDS) {
      const bit = 1 << id;
      repeated |= seen & bit;
      seen |= bit;
      lastIndex[id] = count;
    }
    count++;
  }
  return INCOMPLETE;
}

/** Why a name ended at `byte`, which is neither part of a token nor a colon after one. */
function nameError(byte: number, length: number, fieldsBefore: number): number {
  if (byte === LF) return ParseError.BARE_LF;
  if (byte === SP || byte === HTAB) {
    if (length > 0) return ParseError.SPACE_BEFORE_COLON;
    return fieldsBefore === 0 ? ParseError.SPACE_BEFORE_FIELDS : ParseError.OBS_FOLD;
  }
  return byte === COLON && length === 0 ? ParseError.EMPTY_FIELD_NAME : ParseError.INVALID_FIELD_NAME;
}
