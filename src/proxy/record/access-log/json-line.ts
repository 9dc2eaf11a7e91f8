/** A line as one object of JSON, with the fields that were chosen and in their order. */
import { ACCESS_LOG_FIELD_NAMES, type AccessLogField } from "../../../shared/access-log-fields.ts";
import { copyAll, copyBytes, writeInteger } from "../../http1/copy.ts";
import type { LoggedOutcome, LoggedRequest } from "./logged.ts";
import { copyEscaped, writeJsonText, writeMethod, writeMilliseconds, writeSeconds } from "./texts.ts";

/** What a line is about. One object for all lines, so that fields need no arguments of their own. */
export interface LineSubject {
  request: LoggedRequest;
  outcome: LoggedOutcome;
  durationMs: number;
  /** When it ended, as of RFC 3339. */
  readonly time: Buffer;
}

/** Writes one field with `key` before it, or nothing where it has nothing to say. @returns the offset after it. */
type WriteField = (out: Buffer, at: number, key: Buffer, line: LineSubject) => number;

/** Values that stand without quotes. `route` and `pool` bring their own. */
const BARE: ReadonlySet<AccessLogField> = new Set([
  "status",
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

const WRITERS: Readonly<Record<AccessLogField, WriteField>> = {
  ts: (out, at, key, { time }) => writeQuoted(out, copyAll(out, at, key), time),
  request_id: (out, at, key, { request: r }) =>
    close(out, copyBytes(out, copyAll(out, at, key), r.requestIdBuffer, r.requestIdStart, r.requestIdEnd)),
  method: (out, at, key, { request }) => close(out, writeMethod(out, copyAll(out, at, key), request)),
  path: (out, at, key, { request: r }) =>
    close(out, copyEscaped(out, copyAll(out, at, key), r.headBuffer, r.targetStart, r.targetEnd)),
  status: (out, at, key, { outcome }) => writeInteger(out, copyAll(out, at, key), outcome.status),
  duration: (out, at, key, { durationMs }) => {
    const end = writeSeconds(out, copyAll(out, at, key), durationMs);
    out[end] = LETTER_S;
    return close(out, end + 1);
  },
  duration_ms: (out, at, key, { durationMs }) => writeMilliseconds(out, copyAll(out, at, key), durationMs),
  remote_ip: (out, at, key, { request }) => writeQuoted(out, copyAll(out, at, key), request.clientAddress),
  server_id: (out, at, key, { outcome }) => writeInteger(out, copyAll(out, at, key), outcome.serverId),
  upstream: (out, at, key, { outcome }) => writeKnown(out, at, key, outcome.upstream),
  route: (out, at, key, { request: { labels } }) =>
    labels === null ? at : copyAll(out, copyAll(out, at, key), labels.route),
  pool: (out, at, key, { request: { labels } }) =>
    labels === null || labels.pool === null ? at : copyAll(out, copyAll(out, at, key), labels.pool),
  bytes: (out, at, key, { outcome }) => writeInteger(out, copyAll(out, at, key), outcome.responseBytes),
  attempts: (out, at, key, { outcome: { attempts } }) =>
    attempts > 1 ? writeInteger(out, copyAll(out, at, key), attempts) : at,
  retries: (out, at, key, { outcome: { attempts } }) =>
    attempts > 1 ? writeInteger(out, copyAll(out, at, key), attempts - 1) : at,
  queue_ms: (out, at, key, { outcome: { attempts, waitMs } }) =>
    attempts === 0 && waitMs === 0 ? at : writeMilliseconds(out, copyAll(out, at, key), waitMs),
  connect_ms: (out, at, key, { outcome: { connectMs } }) =>
    Number.isNaN(connectMs) ? at : writeMilliseconds(out, copyAll(out, at, key), connectMs),
  first_byte_ms: (out, at, key, { outcome: { headMs } }) =>
    Number.isNaN(headMs) ? at : writeMilliseconds(out, copyAll(out, at, key), headMs),
  error: (out, at, key, { outcome: { failure } }) => (failure === null ? at : writeWord(out, at, key, failure.code)),
  error_source: (out, at, key, { outcome: { failure } }) =>
    failure === null ? at : writeWord(out, at, key, failure.source),
  host: (out, at, key, { request: r }) => writeFromHead(out, at, key, r.headBuffer, r.hostStart, r.hostEnd),
  user_agent: (out, at, key, { request: r }) =>
    writeFromHead(out, at, key, r.headBuffer, r.userAgentStart, r.userAgentEnd),
  referer: (out, at, key, { request: r }) => writeFromHead(out, at, key, r.headBuffer, r.refererStart, r.refererEnd),
  protocol: (out, at, key, { request }) => writeKnown(out, at, key, request.protocol),
  tls_version: (out, at, key, { request }) => writeKnown(out, at, key, request.tlsVersion),
  trace_id: (out, at, key, { request: { traced, traceIdBuffer, traceIdStart: start } }) => {
    const end = copyAll(out, at, key);
    return close(out, traced ? copyBytes(out, end, traceIdBuffer, start, start + TRACE_ID_DIGITS) : end);
  },
  span_id: (out, at, key, { request: { spanIdBuffer, spanIdStart: start } }) =>
    start < 0 ? at : close(out, copyBytes(out, copyAll(out, at, key), spanIdBuffer, start, start + SPAN_ID_DIGITS)),
  trace_flags: (out, at, key, { request: { traced, sampledFlag } }) =>
    traced ? writeQuoted(out, copyAll(out, at, key), sampledFlag ? SAMPLED : NOT_SAMPLED) : at,
};

/** Writes lines with the same fields. */
export class JsonLine {
  readonly #writers: readonly WriteField[];
  /** What stands before each one's value. */
  readonly #keys: readonly Buffer[];

  constructor(fields: readonly AccessLogField[]) {
    const chosen = ACCESS_LOG_FIELD_NAMES.filter((name) => fields.includes(name));
    this.#writers = chosen.map((name) => WRITERS[name]);
    this.#keys = chosen.map((name) => Buffer.from(`,"${name}":${BARE.has(name) ? "" : '"'}`));
  }

  /** @returns the offset after the line. */
  write(out: Buffer, start: number, line: LineSubject): number {
    const writers = this.#writers;
    const keys = this.#keys;
    let at = start;
    for (let i = 0; i < writers.length; i++) at = writers[i](out, at, keys[i], line);
    if (at === start) at++;
    out[start] = OPENING_BRACE; // in the place of the first comma
    out[at++] = CLOSING_BRACE;
    out[at++] = 10;
    return at;
  }
}

function writeKnown(out: Buffer, at: number, key: Buffer, value: Buffer | null): number {
  return value === null ? at : writeQuoted(out, copyAll(out, at, key), value);
}

function writeWord(out: Buffer, at: number, key: Buffer, word: string): number {
  const end = copyAll(out, at, key);
  return close(out, end + out.write(word, end));
}

function writeFromHead(out: Buffer, at: number, key: Buffer, head: Buffer, start: number, end: number): number {
  return start === end ? at : close(out, writeJsonText(out, copyAll(out, at, key), head, start, end));
}

function writeQuoted(out: Buffer, at: number, value: Buffer): number {
  return close(out, copyAll(out, at, value));
}

function close(out: Buffer, at: number): number {
  out[at] = QUOTE;
  return at + 1;
}
