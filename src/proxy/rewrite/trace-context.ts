/** `traceparent` (W3C Trace Context, levels 1 and 2): read from clients, and put together for servers. */
import { FieldId } from "../http1/field-names.ts";
import { FIELD_STRIDE, FieldPart, type RequestHead } from "../http1/head.ts";
import { SPAN_ID_DIGITS, TRACE_ID_DIGITS } from "./request-ids.ts";

/** Where the parts of a value begin, counted from its start: they are the same in all versions (section 4.3). */
const TRACE_ID_AT = 3;
const SPAN_ID_AT = TRACE_ID_AT + TRACE_ID_DIGITS + 1;
const FLAGS_AT = SPAN_ID_AT + SPAN_ID_DIGITS + 1;
const BYTES = FLAGS_AT + 2;

const HYPHEN = 45;
const ZERO = 48;
const NINE = 57;
const LOWER_A = 97;
const LOWER_F = 102;

const NON_ZERO = 1;
const NO_DIGIT = 2;
/** By byte. Collected without a branch for each: most clients' ids are well. */
const DIGIT_BITS = Uint8Array.from({ length: 256 }, (_, c) =>
  isLowerHex(c) ? Number(c !== ZERO) * NON_ZERO : NO_DIGIT,
);

/** Bits of the flags that have a meaning (section 3.2.2.5); those that have none are not passed on. */
export const TraceFlags = {
  /** Whoever comes before records it, or wants it recorded. */
  SAMPLED: 1,
  /** The right half of the trace's id, at least, is random. */
  RANDOM: 2,
} as const;

/** Where the client's `traceparent` begins in `buf`; -1 = there is none, or none that may be believed. */
export function findTraceparent(buf: Uint8Array, head: RequestHead): number {
  if (!head.has(FieldId.TRACEPARENT) || (head.repeated & (1 << FieldId.TRACEPARENT)) !== 0) return -1;
  const field = head.lastIndex[FieldId.TRACEPARENT] * FIELD_STRIDE;
  const start = head.fields[field + FieldPart.VALUE_START];
  return isTraceparent(buf, start, head.fields[field + FieldPart.VALUE_END]) ? start : -1;
}

/**
 * True when `buf[start … end)` is a traceparent with ids that are not zero. Versions to come are read as far as they begin like
 * 00; only ff is none (section 4.3).
 */
export function isTraceparent(buf: Uint8Array, start: number, end: number): boolean {
  const length = end - start;
  if (length < BYTES || !isLowerHex(buf[start]) || !isLowerHex(buf[start + 1])) return false;
  if (buf[start] === LOWER_F && buf[start + 1] === LOWER_F) return false;
  const first = buf[start] === ZERO && buf[start + 1] === ZERO;
  if (length > BYTES && (first || buf[start + BYTES] !== HYPHEN)) return false;
  if (buf[start + TRACE_ID_AT - 1] !== HYPHEN) return false;
  if (buf[start + SPAN_ID_AT - 1] !== HYPHEN || buf[start + FLAGS_AT - 1] !== HYPHEN) return false;
  return (
    isLowerHexNonZero(buf, start + TRACE_ID_AT, start + TRACE_ID_AT + TRACE_ID_DIGITS) &&
    isLowerHexNonZero(buf, start + SPAN_ID_AT, start + SPAN_ID_AT + SPAN_ID_DIGITS) &&
    isLowerHex(buf[start + FLAGS_AT]) &&
    isLowerHex(buf[start + FLAGS_AT + 1])
  );
}

/** Where the trace's id is, of the value that begins at `start`. */
export function traceIdAt(start: number): number {
  return start + TRACE_ID_AT;
}

/** Where the span's id is. */
export function spanIdAt(start: number): number {
  return start + SPAN_ID_AT;
}

/** `TraceFlags` of the valid value that begins at `start`. */
export function traceFlags(buf: Uint8Array, start: number): number {
  return (hexDigit(buf[start + FLAGS_AT]) << 4) | hexDigit(buf[start + FLAGS_AT + 1]);
}

/** A value of version 00 of ours, to be filled by the two functions below. */
export function newTraceparent(): Buffer {
  return Buffer.from(`00-${"0".repeat(TRACE_ID_DIGITS)}-${"0".repeat(SPAN_ID_DIGITS)}-00`);
}

/** Writes all but the span's id. @param flags `TraceFlags`; other bits are left out. */
export function setTrace(out: Uint8Array, ids: Uint8Array, idStart: number, flags: number): void {
  for (let i = 0; i < TRACE_ID_DIGITS; i++) out[TRACE_ID_AT + i] = ids[idStart + i];
  out[FLAGS_AT + 1] = ZERO + (flags & (TraceFlags.SAMPLED | TraceFlags.RANDOM));
}

/** Writes the id of the span that whoever gets it is a child of: that of the attempt. */
export function setSpan(out: Uint8Array, spanId: Uint8Array): void {
  for (let i = 0; i < SPAN_ID_DIGITS; i++) out[SPAN_ID_AT + i] = spanId[i];
}

/** The value of a lower-case hexadecimal digit. */
export function hexDigit(c: number): number {
  return c <= NINE ? c - ZERO : c - LOWER_A + 10;
}

function isLowerHex(c: number): boolean {
  return (c >= ZERO && c <= NINE) || (c >= LOWER_A && c <= LOWER_F);
}

function isLowerHexNonZero(buf: Uint8Array, start: number, end: number): boolean {
  let bits = 0;
  for (let i = start; i < end; i++) bits |= DIGIT_BITS[buf[i]];
  return bits === NON_ZERO;
}
