/** Where `User-Agent` and `Referer` are in a head: nobody but the access log asks, so parsing does not look for them. */
import { FieldId } from "../../http1/field-names.ts";
import { FIELD_STRIDE, FieldPart, type RequestHead } from "../../http1/head.ts";

const USER_AGENT = Buffer.from("user-agent");
const REFERER = Buffer.from("referer");

/** What is written to: offsets of the values. */
export interface FoundFields {
  userAgentStart: number;
  userAgentEnd: number;
  refererStart: number;
  refererEnd: number;
}

/** There are none, or nobody wants to know. */
export function findNothing(into: FoundFields): void {
  into.userAgentStart = 0;
  into.userAgentEnd = 0;
  into.refererStart = 0;
  into.refererEnd = 0;
}

/** Looks for them in `head`, which was parsed from `buf`. Of several with one name the last counts. */
export function findFields(buf: Buffer, head: RequestHead, into: FoundFields): void {
  findNothing(into);
  const { fields, ids, fieldCount } = head;
  for (let i = 0, at = 0; i < fieldCount; i++, at += FIELD_STRIDE) {
    if (ids[i] !== FieldId.OTHER) continue;
    const start = fields[at + FieldPart.NAME_START];
    const length = fields[at + FieldPart.NAME_END] - start;
    if (length === USER_AGENT.length && isName(buf, start, USER_AGENT)) {
      into.userAgentStart = fields[at + FieldPart.VALUE_START];
      into.userAgentEnd = fields[at + FieldPart.VALUE_END];
    } else if (length === REFERER.length && isName(buf, start, REFERER)) {
      into.refererStart = fields[at + FieldPart.VALUE_START];
      into.refererEnd = fields[at + FieldPart.VALUE_END];
    }
  }
}

/** Names are tokens: of their bytes, bit 5 makes none but the capital letter and the small one the same letter. */
function isName(buf: Buffer, start: number, name: Buffer): boolean {
  for (let i = 0; i < name.length; i++) if ((buf[start + i] | 0x20) !== name[i]) return false;
  return true;
}
