import { copyBytes } from "./copy.ts";
import { FieldId, SEEN_IDS } from "./http1/field-names.ts";
import { FIELD_STRIDE, FieldPart, fieldIsListedInConnection, type MessageHead } from "./http1/head.ts";

/**
 * Copies the field lines of a head in runs, as they came, without the blank line, and returns the offset after them.
 * @param dropped fields to leave out, as bits of `1 << FieldId`; those that Connection lists are left out as well.
 */
export function writeFields(out: Buffer, start: number, buf: Buffer, head: MessageHead, dropped: number): number {
  const fieldsEnd = head.headEnd - 2;
  if ((head.seen & dropped) === 0 && !head.hasConnectionOptions) {
    return copyBytes(out, start, buf, head.fieldsStart, fieldsEnd);
  }
  const { ids, fields, fieldCount } = head;
  let at = start;
  let runStart = head.fieldsStart;
  for (let i = 0; i < fieldCount; i++) {
    const id = ids[i];
    const drop =
      (id < SEEN_IDS && (dropped & (1 << id)) !== 0 && id !== FieldId.OTHER) ||
      (head.hasConnectionOptions && fieldIsListedInConnection(buf, head, i));
    if (drop) {
      const f = i * FIELD_STRIDE;
      at = copyBytes(out, at, buf, runStart, fields[f]);
      runStart = fields[f + FieldPart.LINE_END];
    }
  }
  return copyBytes(out, at, buf, runStart, fieldsEnd);
}
