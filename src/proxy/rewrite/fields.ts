import { copyAll, copyBytes, writeInteger } from "../http1/copy.ts";
import { FieldId, SEEN_IDS } from "../http1/field-names.ts";
import { FIELD_STRIDE, FieldPart, fieldIsListedInConnection, type MessageHead } from "../http1/head.ts";
import { type HeadEdits, isNamed } from "./edits.ts";

const CRLF = Buffer.from("\r\n");
const CONTENT_LENGTH = Buffer.from("Content-Length: ");
const CHUNKED = Buffer.from("Transfer-Encoding: chunked\r\n");

/** The fields that frame a message. */
export const FRAMING_BITS = (1 << FieldId.CONTENT_LENGTH) | (1 << FieldId.TRANSFER_ENCODING);

/** None. */
const NO_NAMES: readonly Buffer[] = [];

/**
 * Copies the field lines of a head in runs, as they came, without the blank line, and then adds those of `edits`.
 * @param dropped fields to leave out, as bits of `1 << FieldId`; those that Connection lists are left out as well.
 * @returns the offset after them.
 */
export function writeFields(
  out: Buffer,
  start: number,
  buf: Buffer,
  head: MessageHead,
  dropped: number,
  edits: HeadEdits | null,
): number {
  if (edits === null) return writeKept(out, start, buf, head, dropped, NO_NAMES);
  return copyAll(out, writeKept(out, start, buf, head, dropped | edits.dropped, edits.names), edits.lines);
}

function writeKept(
  out: Buffer,
  start: number,
  buf: Buffer,
  head: MessageHead,
  dropped: number,
  names: readonly Buffer[],
): number {
  if (head.bareLineFeeds) return writeLines(out, start, buf, head, dropped, names);
  const fieldsEnd = head.headEnd - 2;
  if ((head.seen & dropped) === 0 && !head.hasConnectionOptions && names.length === 0) {
    return copyBytes(out, start, buf, head.fieldsStart, fieldsEnd);
  }
  const { fields, fieldCount } = head;
  let at = start;
  let runStart = head.fieldsStart;
  for (let i = 0; i < fieldCount; i++) {
    if (isDropped(buf, head, i, dropped, names)) {
      const f = i * FIELD_STRIDE;
      at = copyBytes(out, at, buf, runStart, fields[f]);
      runStart = fields[f + FieldPart.LINE_END];
    }
  }
  return copyBytes(out, at, buf, runStart, fieldsEnd);
}

/** As `writeKept`, each line with its own end. */
function writeLines(
  out: Buffer,
  start: number,
  buf: Buffer,
  head: MessageHead,
  dropped: number,
  names: readonly Buffer[],
): number {
  const { fields, fieldCount } = head;
  let at = start;
  for (let i = 0; i < fieldCount; i++) {
    if (isDropped(buf, head, i, dropped, names)) continue;
    const f = i * FIELD_STRIDE;
    at = copyAll(out, copyBytes(out, at, buf, fields[f], fields[f + FieldPart.VALUE_END]), CRLF);
  }
  return at;
}

function isDropped(buf: Buffer, head: MessageHead, index: number, dropped: number, names: readonly Buffer[]): boolean {
  const id = head.ids[index];
  if (id < SEEN_IDS && (dropped & (1 << id)) !== 0 && id !== FieldId.OTHER) return true;
  if (head.hasConnectionOptions && fieldIsListedInConnection(buf, head, index)) return true;
  if (names.length === 0) return false;
  const f = index * FIELD_STRIDE;
  return isNamed(names, buf, head.fields[f], head.fields[f + FieldPart.NAME_END]);
}

/** Writes the line that frames the body, anew. */
export function writeFraming(out: Buffer, start: number, head: MessageHead): number {
  if (head.chunked) return copyAll(out, start, CHUNKED);
  if (head.contentLength < 0) return start;
  return copyAll(out, writeInteger(out, copyAll(out, start, CONTENT_LENGTH), head.contentLength), CRLF);
}
