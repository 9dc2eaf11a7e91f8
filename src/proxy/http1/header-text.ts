/** Fields of a head by their names, and what they say as text: for those few that are no `FieldId`, or are rarely looked at. */
import { FIELD_STRIDE, FieldPart, type MessageHead } from "./head.ts";

/** Whether field `index` has this name, whatever its letter case. @param name lower case. */
export function isField(buf: Uint8Array, { fields }: MessageHead, index: number, name: Uint8Array): boolean {
  const at = index * FIELD_STRIDE;
  const start = fields[at + FieldPart.NAME_START];
  if (fields[at + FieldPart.NAME_END] - start !== name.length) return false;
  for (let i = 0; i < name.length; i++) {
    const byte = buf[start + i];
    if (byte !== name[i] && (byte < 0x41 || byte > 0x5a || (byte | 0x20) !== name[i])) return false;
  }
  return true;
}

/** The value of field `index`, as it came. */
export function fieldValue(buf: Buffer, head: MessageHead, index: number): string {
  const at = index * FIELD_STRIDE;
  return buf.toString("latin1", head.fields[at + FieldPart.VALUE_START], head.fields[at + FieldPart.VALUE_END]);
}

/** The values of all fields of this id, in order, empty ones left out. */
export function fieldValues(buf: Buffer, head: MessageHead, id: number): string[] {
  const values: string[] = [];
  for (let index = 0; index < head.fieldCount; index++) {
    const value = head.ids[index] === id ? fieldValue(buf, head, index) : "";
    if (value !== "") values.push(value);
  }
  return values;
}

/**
 * The values of all fields of this name, as one list (RFC 9110 section 5.3); null = there is none.
 * @param name lower case.
 */
export function fieldText(buf: Buffer, head: MessageHead, name: Uint8Array): string | null {
  let text: string | null = null;
  for (let index = 0; index < head.fieldCount; index++) {
    if (!isField(buf, head, index, name)) continue;
    const value = fieldValue(buf, head, index);
    text = text === null ? value : `${text}, ${value}`;
  }
  return text;
}
