/** A line as one object of JSON, with the fields that were chosen and in their order. */
import { ACCESS_LOG_FIELD_NAMES, type AccessLogField } from "../../../shared/access-log-fields.ts";
import { copyAll, copyBytes, writeInteger } from "../../http1/copy.ts";
import { FixedText, writeFixed } from "../../http1/fixed-text.ts";
import type { LoggedOutcome, LoggedRequest } from "./logged.ts";
import { copyEscaped, writeJsonText, writeMethod, writeMilliseconds, writeSeconds } from "./texts.ts";

/** What a line is about. One object for all lines. */
export interface LineSubject {
  request: LoggedRequest;
  outcome: LoggedOutcome;
  durationMs: number;
  /** When it ended, as of RFC 3339. */
  readonly time: FixedText;
  /** Of what is written to. */
  view: DataView;
}

/** Values that stand without quotes. `route` and `pool` bring their own. */
const BARE: ReadonlySet<AccessLogField> = new Set([
  "status",
  "grpc_status",
  "duration_ms",
  "server_id",
  "route",
  "pool",
  "bytes",
  "attempts",
  "retries",
  "queue_ms",
  "connect_ms",
  "first_byte_ms",
]);

const OPENING_BRACE = 123;
const CLOSING_BRACE = 125;
const QUOTE = 34;
const LETTER_S = 115;
const TRACE_ID_DIGITS = 32;
const SPAN_ID_DIGITS = 16;
const SAMPLED = Buffer.from("01");
const NOT_SAMPLED = Buffer.from("00");

/** What stands before each field's value; `null` = it was not chosen. */
type Keys = Readonly<Record<AccessLogField, FixedText | null>>;

/** Writes lines with the same fields. */
export class JsonLine {
  readonly #keys: Keys;

  constructor(fields: readonly AccessLogField[]) {
    const key = (name: AccessLogField) => new FixedText(`,"${name}":${BARE.has(name) ? "" : '"'}`);
    const keys = ACCESS_LOG_FIELD_NAMES.map((name) => [name, fields.includes(name) ? key(name) : null]);
    this.#keys = Object.fromEntries(keys) as Keys;
  }

  /** Writes to `out`, which `line.view` is of, and up to seven bytes of anything behind. @returns the offset after the line. */
  write(out: Buffer, start: number, line: LineSubject): number {
    const keys = this.#keys;
    // In the order of the fields. One after the other, for a loop that called a function for each took as long again.
    let at = writeRequest(out, start, keys, line);
    at = writeOutcome(out, at, keys, line);
    at = writeServer(out, at, keys, line);
    at = writeAttempts(out, at, keys, line);
    at = writeFailure(out, at, keys, line);
    const { limitedBy } = line.request;
    if (keys.rate_limit !== null && limitedBy !== null) {
      at = writeWord(out, writeFixed(line.view, at, keys.rate_limit), limitedBy.spec.name);
    }
    at = writeClient(out, at, keys, line);
    at = writeTrace(out, at, keys, line.request, line.view);
    if (at === start) at++;
    out[start] = OPENING_BRACE; // in the place of the first comma
    out[at++] = CLOSING_BRACE;
    out[at++] = 10;
    return at;
  }
}

function writeRequest(out: Buffer, start: number, keys: Keys, { request: r, time, view }: LineSubject): number {
  let at = start;
  if (keys.ts !== null) at = close(out, writeFixed(view, writeFixed(view, at, keys.ts), time));
  if (keys.request_id !== null) {
    at = writeFixed(view, at, keys.request_id);
    at = close(out, copyBytes(out, at, r.requestIdBuffer, r.requestIdStart, r.requestIdEnd));
  }
  if (keys.method !== null) at = close(out, writeMethod(out, writeFixed(view, at, keys.method), r));
  if (keys.path !== null) {
    at = close(out, copyEscaped(out, writeFixed(view, at, keys.path), r.headBuffer, r.targetStart, r.targetEnd));
  }
  return at;
}

function writeOutcome(out: Buffer, start: number, keys: Keys, { outcome, durationMs, view }: LineSubject): number {
  let at = start;
  if (keys.status !== null) at = writeInteger(out, writeFixed(view, at, keys.status), outcome.status);
  if (keys.grpc_status !== null && outcome.grpcStatus >= 0) {
    at = writeInteger(out, writeFixed(view, at, keys.grpc_status), outcome.grpcStatus);
  }
  if (keys.duration !== null) {
    at = writeSeconds(out, writeFixed(view, at, keys.duration), durationMs);
    out[at++] = LETTER_S;
    at = close(out, at);
  }
  if (keys.duration_ms !== null) at = writeMilliseconds(out, writeFixed(view, at, keys.duration_ms), durationMs);
  return at;
}

function writeServer(out: Buffer, start: number, keys: Keys, { request: r, outcome, view }: LineSubject): number {
  let at = start;
  if (keys.remote_ip !== null) at = writeKnown(out, view, at, keys.remote_ip, r.clientAddress);
  if (keys.server_id !== null) at = writeInteger(out, writeFixed(view, at, keys.server_id), outcome.serverId);
  if (keys.upstream !== null && outcome.upstream !== null) {
    at = close(out, writeFixed(view, writeFixed(view, at, keys.upstream), outcome.upstream));
  }
  const { labels } = r;
  if (labels === null) return at;
  if (keys.route !== null) at = writeFixed(view, writeFixed(view, at, keys.route), labels.route);
  if (keys.pool !== null && labels.pool !== null) at = writeFixed(view, writeFixed(view, at, keys.pool), labels.pool);
  return at;
}

function writeAttempts(out: Buffer, start: number, keys: Keys, { outcome, view }: LineSubject): number {
  const { attempts, waitMs } = outcome;
  let at = start;
  if (keys.bytes !== null) at = writeInteger(out, writeFixed(view, at, keys.bytes), outcome.responseBytes);
  if (attempts > 1) {
    if (keys.attempts !== null) at = writeInteger(out, writeFixed(view, at, keys.attempts), attempts);
    if (keys.retries !== null) at = writeInteger(out, writeFixed(view, at, keys.retries), attempts - 1);
  }
  if (keys.queue_ms !== null && (attempts > 0 || waitMs > 0)) at = writeTime(out, view, at, keys.queue_ms, waitMs);
  if (keys.connect_ms !== null) at = writeTime(out, view, at, keys.connect_ms, outcome.connectMs);
  if (keys.first_byte_ms !== null) at = writeTime(out, view, at, keys.first_byte_ms, outcome.headMs);
  return at;
}

function writeFailure(out: Buffer, start: number, keys: Keys, { outcome: { failure }, view }: LineSubject): number {
  let at = start;
  if (failure === null) return at;
  if (keys.error !== null) at = writeWord(out, writeFixed(view, at, keys.error), failure.code);
  if (keys.error_source !== null) at = writeWord(out, writeFixed(view, at, keys.error_source), failure.source);
  return at;
}

function writeClient(out: Buffer, start: number, keys: Keys, { request: r, view }: LineSubject): number {
  const { headBuffer: head } = r;
  let at = start;
  if (keys.host !== null) at = writeFromHead(out, view, at, keys.host, head, r.hostStart, r.hostEnd);
  if (keys.user_agent !== null) {
    at = writeFromHead(out, view, at, keys.user_agent, head, r.userAgentStart, r.userAgentEnd);
  }
  if (keys.referer !== null) at = writeFromHead(out, view, at, keys.referer, head, r.refererStart, r.refererEnd);
  if (keys.protocol !== null) at = writeKnown(out, view, at, keys.protocol, r.protocol);
  if (keys.tls_version !== null) at = writeKnown(out, view, at, keys.tls_version, r.tlsVersion);
  const { certificate } = r;
  if (certificate === null) return at;
  if (keys.client_subject !== null) at = writeKnown(out, view, at, keys.client_subject, certificate.subject);
  if (keys.client_fingerprint !== null)
    at = writeKnown(out, view, at, keys.client_fingerprint, certificate.fingerprint);
  return at;
}

function writeTrace(out: Buffer, start: number, keys: Keys, r: LoggedRequest, view: DataView): number {
  const { traced, traceIdStart, spanIdStart } = r;
  let at = start;
  if (keys.trace_id !== null) {
    at = writeFixed(view, at, keys.trace_id);
    if (traced) at = copyBytes(out, at, r.traceIdBuffer, traceIdStart, traceIdStart + TRACE_ID_DIGITS);
    at = close(out, at);
  }
  if (keys.span_id !== null && spanIdStart >= 0) {
    at = writeFixed(view, at, keys.span_id);
    at = close(out, copyBytes(out, at, r.spanIdBuffer, spanIdStart, spanIdStart + SPAN_ID_DIGITS));
  }
  if (keys.trace_flags !== null && traced) {
    at = writeKnown(out, view, at, keys.trace_flags, r.sampledFlag ? SAMPLED : NOT_SAMPLED);
  }
  return at;
}

function writeTime(out: Buffer, view: DataView, at: number, key: FixedText, ms: number): number {
  return Number.isNaN(ms) ? at : writeMilliseconds(out, writeFixed(view, at, key), ms);
}

function writeKnown(out: Buffer, view: DataView, at: number, key: FixedText, value: Buffer | null): number {
  return value === null ? at : close(out, copyAll(out, writeFixed(view, at, key), value));
}

function writeWord(out: Buffer, at: number, word: string): number {
  return close(out, at + out.write(word, at));
}

function writeFromHead(
  out: Buffer,
  view: DataView,
  at: number,
  key: FixedText,
  head: Buffer,
  start: number,
  end: number,
): number {
  return start === end ? at : close(out, writeJsonText(out, writeFixed(view, at, key), head, start, end));
}

function close(out: Buffer, at: number): number {
  out[at] = QUOTE;
  return at + 1;
}
