/**
 * What the parsers make of a message head: offsets into the caller's buffer and a few facts. One object per worker is
 * filled again for every message, so nothing is allocated per request; what is to outlive the next parse is copied.
 */
import { Method } from "../../shared/memory/series-table.ts";
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

/**
 * Most options of Connection that are neither hop-by-hop anyway nor close or keep-alive. Each field of the head is
 * compared with each of them, so their number has to have a bound: nobody has use for more than two or three.
 */
export const MAX_CONNECTION_OPTIONS = 32;

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
  /** How many options Connection has beyond those that are hop-by-hop anyway: see `fieldIsListedInConnection`. */
  optionCount = 0;
  /** Where these begin and end. */
  readonly options = new Int32Array(MAX_CONNECTION_OPTIONS * 2);
  /**
   * Content-Length and Transfer-Encoding are valid in a way that others may read differently (a tab for a space, a length
   * said twice), or are no concern of whoever gets the message: they are written anew instead of copied.
   */
  reframe = false;
  /** There are lines that end in a line feed alone; only in a response. They are passed on with CRLF. */
  bareLineFeeds = false;
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

  /** Connection has such options. */
  get hasConnectionOptions(): boolean {
    return this.optionCount > 0;
  }

  /** Whether a field with this identity (below 32) is present. */
  has(id: number): boolean {
    return (this.seen & (1 << id)) !== 0;
  }
}

/** The head of a request. After a refusal, method and target are valid as far as `fieldsStart` says they were read. */
export class RequestHead extends MessageHead {
  /** Whose request it was last made of, by the word of whoever had it parsed: a parse begins by taking it away. */
  owner: object | null = null;
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
  /** 100 … 999. */
  status = 0;
  reasonStart = 0;
  reasonEnd = 0;
  /** One of `BodyKind`. */
  bodyKind: number = BodyKind.NONE;
  /** The version is one of HTTP/1. */
  majorKnown = true;
  /** Every line is as we would have written it. */
  regular = false;
}

/**
 * Whether the name of field `index` is an option of a Connection field, so that it must not be passed on (RFC 9110
 * section 7.6.1). Never true for Transfer-Encoding and Content-Length, which frame the message; a request that lists
 * Content-Length or Host was refused.
 */
export function fieldIsListedInConnection(buf: Uint8Array, head: MessageHead, index: number): boolean {
  const { fields, ids, options, optionCount } = head;
  if (ids[index] === FieldId.TRANSFER_ENCODING || ids[index] === FieldId.CONTENT_LENGTH) return false;
  const nameStart = fields[index * FIELD_STRIDE];
  const length = fields[index * FIELD_STRIDE + FieldPart.NAME_END] - nameStart;
  for (let at = 0; at < optionCount * 2; at += 2) {
    const option = options[at];
    if (options[at + 1] - option === length && equalIgnoringCase(buf, option, nameStart, length)) return true;
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
