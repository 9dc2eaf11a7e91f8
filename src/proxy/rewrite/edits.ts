/**
 * Changes of a head beyond what the proxy always does: fields that are removed, and lines that are added behind those that
 * stay. Worked out once per route, so that a request costs a comparison per field; a head without changes has `null` for
 * them, and costs nothing.
 */
import type { HeaderEdits, HeaderField } from "../../protocol/route.ts";
import { MAX_ADDED_BYTES, plainFieldName } from "../../shared/fixed-fields.ts";
import { HTAB, SP, UNDERSCORE } from "../http1/char-class.ts";
import { FieldId, fieldIdOf, SEEN_IDS } from "../http1/field-names.ts";

const HYPHEN = 0x2d;
const NO_NAMES: readonly Buffer[] = [];
const NO_LINES = Buffer.alloc(0);
/** Bytes of lines of the moment, such as a cookie, that a head may get beside those of its route. */
export const MAX_MOMENT_BYTES = 8192;
/** Bytes that all changes of one head add, but for what is written instead of its path and its host. */
export const MAX_EDIT_BYTES = MAX_ADDED_BYTES + MAX_MOMENT_BYTES;

/** A field name is a token (RFC 9110 section 5.6.2). */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** What a value may be made of (section 5.5). Nothing beyond a byte: that would be cut down to one, perhaps a line end. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Frozen changes of one kind of head. */
export class HeadEdits {
  /** Fields that are removed, as bits of `1 << FieldId`. */
  readonly dropped: number;
  /** Names of further fields that are removed, as `plainFieldName` has them. */
  readonly names: readonly Buffer[];
  /** Complete field lines that are added, each with its CRLF. */
  readonly lines: Buffer;

  constructor(dropped: number, names: readonly Buffer[], lines: Buffer) {
    this.dropped = dropped;
    this.names = names;
    this.lines = lines;
  }

  /** These changes, and then those. */
  static join(first: HeadEdits | null, second: HeadEdits | null): HeadEdits | null {
    if (first === null || second === null) return first ?? second;
    const lines = first.#linesWithout(second);
    const names = [...first.names, ...second.names];
    return new HeadEdits(first.dropped | second.dropped, names, Buffer.concat([lines, second.lines]));
  }

  /** `edits`, and lines of the moment: complete ones, at most `MAX_MOMENT_BYTES`. */
  static add(edits: HeadEdits | null, lines: Buffer): HeadEdits {
    if (edits === null) return new HeadEdits(0, NO_NAMES, lines);
    return new HeadEdits(edits.dropped, edits.names, Buffer.concat([edits.lines, lines]));
  }

  /** Is a field of this identity and with the name `buf[start … end)` removed? */
  removes(id: number, buf: Uint8Array, start: number, end: number): boolean {
    return (hasBit(id) && (this.dropped & (1 << id)) !== 0) || isNamed(this.names, buf, start, end);
  }

  /** The lines that stay when `other` is applied to them. */
  #linesWithout(other: HeadEdits): Buffer {
    const kept: Buffer[] = [];
    for (let start = 0; start < this.lines.length; ) {
      const next = this.lines.indexOf("\r\n", start) + 2;
      const nameEnd = this.lines.indexOf(":", start);
      if (!other.removes(fieldIdOf(this.lines, start, nameEnd), this.lines, start, nameEnd)) {
        kept.push(this.lines.subarray(start, next));
      }
      start = next;
    }
    return Buffer.concat(kept);
  }
}

/** Does `1 << id` mean this one field, and nothing else? */
function hasBit(id: number): boolean {
  return id !== FieldId.OTHER && id !== FieldId.X_FORWARDED_OTHER && id < SEEN_IDS;
}

/**
 * Is `buf[start … end)` one of `names`? Letter case does not matter, and an underscore is a hyphen: servers that hand fields
 * to programs as variables (CGI, WSGI) can't tell `X_User` from `X-User`, so neither spelling gets past.
 */
export function isNamed(names: readonly Buffer[], buf: Uint8Array, start: number, end: number): boolean {
  for (const name of names) if (name.length === end - start && isSpelled(name, buf, start)) return true;
  return false;
}

function isSpelled(name: Buffer, buf: Uint8Array, start: number): boolean {
  for (let i = 0; i < name.length; i++) {
    const byte = buf[start + i];
    const plain = byte === UNDERSCORE ? HYPHEN : byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
    if (plain !== name[i]) return false;
  }
  return true;
}

/**
 * Works changes out.
 * @param fixed names in lower case that are left alone (`FIXED_REQUEST_FIELDS`, `FIXED_RESPONSE_FIELDS`): the configuration
 * has refused them before, with a place.
 * @returns null when nothing is changed.
 * Throws when a name or a value can't stand in a head, or there are too many: the configuration has refused that, too.
 */
export function compileEdits(edits: HeaderEdits | null, fixed: ReadonlySet<string>): HeadEdits | null {
  if (edits === null) return null;
  const mayEdit = (name: string): boolean => !fixed.has(plainFieldName(name));
  let dropped = 0;
  const names: Buffer[] = [];
  for (const name of [...edits.remove, ...edits.set.map((field) => field.name)].filter(mayEdit)) {
    const bytes = Buffer.from(plainFieldName(name), "latin1");
    const id = fieldIdOf(bytes, 0, bytes.length);
    // A bit says nothing of underscores.
    if (hasBit(id) && !bytes.includes(HYPHEN)) dropped |= 1 << id;
    else names.push(bytes);
  }
  const lines = fieldLines([...edits.set, ...edits.add].filter(({ name }) => mayEdit(name)));
  if (lines.length > MAX_ADDED_BYTES)
    throw new Error(`header edits add ${lines.length} bytes; the most is ${MAX_ADDED_BYTES}`);
  return dropped === 0 && names.length === 0 && lines.length === 0 ? null : new HeadEdits(dropped, names, lines);
}

/** Complete lines. Throws when one of them would be none, or several. */
export function fieldLines(fields: readonly HeaderField[]): Buffer {
  if (fields.length === 0) return NO_LINES;
  const lines = fields.map(({ name, value }) => {
    if (!TOKEN.test(name) || !VALUE.test(value))
      throw new Error(`a header edit of ${JSON.stringify(name)} is no field line`);
    return `${name}: ${value}\r\n`;
  });
  return Buffer.from(lines.join(""), "latin1");
}

/** The fields of a response of our own, changed. */
export function editedFields(
  fields: readonly (readonly [name: string, value: string])[],
  edits: HeadEdits | null,
): readonly (readonly [name: string, value: string])[] {
  if (edits === null) return fields;
  const kept = fields.filter(([name]) => {
    const bytes = Buffer.from(name, "latin1");
    return !edits.removes(fieldIdOf(bytes, 0, bytes.length), bytes, 0, bytes.length);
  });
  return [...kept, ...linesOf(edits.lines)];
}

/** Names and values of complete lines. */
export function linesOf(lines: Buffer): (readonly [name: string, value: string])[] {
  return lines
    .toString("latin1")
    .split("\r\n")
    .slice(0, -1)
    .map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), trimmed(line.slice(colon + 1))] as const;
    });
}

function trimmed(value: string): string {
  let [start, end] = [0, value.length];
  const isSpace = (at: number): boolean => value.charCodeAt(at) === SP || value.charCodeAt(at) === HTAB;
  while (start < end && isSpace(start)) start++;
  while (end > start && isSpace(end - 1)) end--;
  return value.slice(start, end);
}
