/**
 * What the parsers make of a message head: offsets into the caller's buffer and a few facts. One object per worker is
 * filled again for every message, so nothing is allocated per request; what is to outlive the next parse is copied.
 */
import { Method } from "../../shared/series-table.ts";
import { CHAR_CLASS, COMMA, OWS } from "./char-class.ts";
import { FieldId } from "./field-names.ts";

/** Integers per field in `MessageHead.fields`. */
export const FIELD_STRIDE = 5;

/** Positions within a field's five integers. The value is without the white space around it. */
export const FieldPart = {
  NAME_START: 0,
  NAME_END: 1,
  VALUE_START: 2,
  VALUE_END: 3,
  /** Offset after the line's CRLF. The line starts at `NAME_START`. */
  LINE_END: 4,
} as const;

/** Forms of the request target (RFC 9112 section 3.2). */
export const TargetForm = { ORIGIN: 0, ABSOLUTE: 1, ASTERISK: 2, AUTHORITY: 3 } as const;

/** How the end of a response body is found (RFC 9112 section 6.3). */
export const BodyKind = { NONE: 0, LENGTH: 1, CHUNKED: 2, UNTIL_CLOSE: 3 } as const;

/** Bounds of a head. `maxFields` is also bounded by the capacity that the head was made with. */
export interface HeadLimits {
  /** Bytes from the first of the head to the end of its blank line. */
  readonly maxHeadBytes: number;
  readonly maxFields: number;
}

/** What request and response heads share. All offsets are into the buffer that was parsed. */
export class MessageHead {
  /** Minor version: 0 or 1. */
  versionMinor = 1;
  /** Offset of the first field line, or of the blank line when there is none; -1 until the start line was read. */
  fieldsStart = -1;
  /** Offset after the blank line. */
  headEnd = 0;
  fieldCount = 0;
  /** Set of `1 << FieldId` of the fields present, for identities below 32. */
  seen = 0;
  /** Set of `1 << FieldId` of the fields present more than once. */
  repeated = 0;
  /** Announced body length in bytes; -1 = none. Never set together with `chunked`. */
  contentLength = -1;
  /** The body is in the chunked transfer coding. */
  chunked = false;
  /** The connection may live on after this message (RFC 9112 section 9.3). */
  keepAlive = false;
  /**
   * An HTTP/1.1 message with Upgrade, listed in Connection, and no h2c among the protocols. In a response it means a
   * switch only together with status 101.
   */
  upgrade = false;
  /** Connection lists fields beyond those that are hop-by-hop anyway: ask `fieldIsListedInConnection` for each. */
  hasConnectionOptions = false;
  /** There is a field that must not be passed on; when false, the field lines may be copied in one run. */
  hasHopByHop = false;
  /** `FIELD_STRIDE` integers per field: see `FieldPart`. */
  readonly fields: Int32Array;
  /** `FieldId` of each field. */
  readonly ids: Uint8Array;
  /** Index of the last field with an identity below 32; valid only while its bit in `seen` is set. */
  readonly lastIndex: Int32Array;

  /** @param capacity most fields that a head may have. */
  constructor(capacity = 256) {
    this.fields = new Int32Array(capacity * FIELD_STRIDE);
    this.ids = new Uint8Array(capacity);
    this.lastIndex = new Int32Array(32);
  }

  /** Whether a field with this identity (below 32) is present. */
  has(id: number): boolean {
    return (this.seen & (1 << id)) !== 0;
  }
}

/** The head of a request. After a refusal, method and target are valid as far as `fieldsStart` says they were read. */
export class RequestHead extends MessageHead {
  /** Index into `METHODS`; `Method.OTHER` for a token that is not in it. */
  method: number = Method.OTHER;
  methodStart = 0;
  methodEnd = 0;
  targetStart = 0;
  targetEnd = 0;
  /** One of `TargetForm`. */
  targetForm: number = TargetForm.ORIGIN;
  /**
   * Where path and query start within the target; they end at `targetEnd`. In absolute form this may be the end itself
   * or a `?`: the path is empty then, which means `/`.
   */
  pathStart = 0;
  /** Authority of the request: of an absolute-form target, else of Host (RFC 9112 section 3.2.2). May be empty. */
  hostStart = 0;
  hostEnd = 0;
  /** The client waits for 100 (Continue) before it sends the body. */
  expectContinue = false;
}

/** The head of a response. */
export class ResponseHead extends MessageHead {
  /** Offset of the status line. */
  start = 0;
  /** 100 … 599. */
  status = 0;
  reasonStart = 0;
  reasonEnd = 0;
  /** One of `BodyKind`. */
  bodyKind: number = BodyKind.NONE;
}

/**
 * Whether the name of field `index` is an option of a Connection field, so that it must not be passed on (RFC 9110
 * section 7.6.1). Never true for Transfer-Encoding, which goes with the framing; a head that lists Content-Length or
 * Host was refused.
 */
export function fieldIsListedInConnection(buf: Uint8Array, head: MessageHead, index: number): boolean {
  const { fields, ids, fieldCount } = head;
  if (ids[index] === FieldId.TRANSFER_ENCODING) return false;
  const nameStart = fields[index * FIELD_STRIDE];
  const length = fields[index * FIELD_STRIDE + FieldPart.NAME_END] - nameStart;
  for (let field = 0; field < fieldCount; field++) {
    if (ids[field] !== FieldId.CONNECTION) continue;
    const end = fields[field * FIELD_STRIDE + FieldPart.VALUE_END];
    let at = fields[field * FIELD_STRIDE + FieldPart.VALUE_START];
    while (at < end) {
      while (at < end && (buf[at] === COMMA || (CHAR_CLASS[buf[at]] & OWS) !== 0)) at++;
      const option = at;
      while (at < end && buf[at] !== COMMA && (CHAR_CLASS[buf[at]] & OWS) === 0) at++;
      if (at - option === length && equalIgnoringCase(buf, option, nameStart, length)) return true;
    }
  }
  return false;
}

function equalIgnoringCase(buf: Uint8Array, a: number, b: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (lower(buf[a + i]) !== lower(buf[b + i])) return false;
  return true;
}

function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
}
