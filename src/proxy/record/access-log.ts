/**
 * The access log: one line per request on standard output, apart from the process's own log on standard error.
 *
 * A line is built once, as bytes, in a buffer that is written out by a thread-pool write when 64 KB have gathered or when
 * the flush interval ends. At most one write is under way: when the reader of a pipe is slower than the traffic, full buffers
 * wait, 16 at most; then lines are dropped and counted, and requests go on.
 */
import { fstatSync, write } from "node:fs";
import { type WorkerBlock, WorkerCounter } from "../../shared/memory/layout/shared-memory.ts";
import { METHODS } from "../../shared/memory/series-table.ts";
import type { Failure } from "../failure.ts";
import { copyAll, copyBytes, writeInteger } from "../http1/copy.ts";
import type { TracedRequest } from "./traced-request.ts";

/** What a line says of a request. */
export interface LoggedRequest extends TracedRequest {
  /** The buffer that holds the request's head; empty when there was none that could be parsed. */
  readonly headBuffer: Buffer;
  readonly methodStart: number;
  readonly methodEnd: number;
  readonly targetStart: number;
  readonly targetEnd: number;
  /** Index into `METHODS`. */
  readonly method: number;
  readonly requestIdBuffer: Buffer;
  readonly requestIdStart: number;
  readonly requestIdEnd: number;
  readonly clientAddress: Buffer;
  /** Where it went; `null` = lines say nothing of that. */
  readonly labels: RouteLabels | null;
}

/** What a line says of where a request went: made once for each route and pool. */
export class RouteLabels {
  readonly json: Buffer;
  readonly text: Buffer;

  /** @param pool `null` = no server was to be asked. */
  constructor(route: string, pool: string | null) {
    const fields = Object.entries({ route, ...(pool === null ? {} : { pool }) });
    this.json = Buffer.from(fields.map(([name, value]) => `,"${name}":${JSON.stringify(value)}`).join(""));
    this.text = Buffer.from(fields.map(([name, value]) => ` ${name}=${JSON.stringify(value)}`).join(""));
  }
}

/** What a line says of a request's end. */
export interface LoggedOutcome {
  readonly status: number;
  /** 0 = no server was chosen. */
  readonly serverId: number;
  /** Bytes of the response body as sent. */
  readonly responseBytes: number;
  readonly attempts: number;
  readonly failure: Failure | null;
}

interface FullBuffer {
  readonly buffer: Buffer;
  readonly length: number;
}

const BUFFER_BYTES = 256 * 1024;
/** With 4 MB waiting the reader is slower than the traffic, and not just a moment late. */
const MAX_FULL_BUFFERS = 16;
const FLUSH_BYTES = 64 * 1024;
/** POSIX: a write to a pipe of at most this size is not mixed with another process's. */
const PIPE_ATOMIC_BYTES = 4096;
const LONGEST_FIXED_PART = 1024;

const METHOD_NAMES = METHODS.map((name) => Buffer.from(name));

function key(text: string): Buffer {
  return Buffer.from(text);
}
/** A line begins with it; the timestamp in it is written over once a millisecond at most. */
const JSON_START = key('{"ts":"1970-01-01T00:00:00.000Z","request_id":"');
const JSON_TIMESTAMP_AT = 7;
const METHOD = key('","method":"');
const PATH = key('","path":"');
/** `METHOD`, the name and `PATH` in one, by index into `METHODS`. */
const KNOWN_METHOD = METHODS.map((name) => key(`","method":"${name}","path":"`));
const STATUS = key('","status":');
const DURATION = key(',"duration":');
const REMOTE_IP = key(',"remote_ip":"');
const SERVER_ID = key('","server_id":');
const BYTES = key(',"bytes":');
const TRACE_ID = key(',"trace_id":"');
const END = key('"}\n');

export class AccessLog {
  readonly #fd: number;
  readonly #block: WorkerBlock;
  /** Of the lines to come. */
  format: "json" | "text";
  readonly #maxWrite: number;
  #buffer: Buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #spare: Buffer | null = null;
  /** Buffers that wait for the write under way, in order. */
  readonly #full: FullBuffer[] = [];
  #length = 0;
  #writing = false;
  /** Lines were lost since the write under way began. */
  #losing = false;
  /** Nothing is written any more: the descriptor is its owner's again, who may give the number to another file. */
  #closed = false;
  #lastMs = -1;
  #lastSecond = -1;
  readonly #jsonStart = Buffer.from(JSON_START);
  readonly #timestamp = this.#jsonStart.subarray(JSON_TIMESTAMP_AT, JSON_TIMESTAMP_AT + 24);

  constructor(fd: number, block: WorkerBlock, format: "json" | "text") {
    this.#fd = fd;
    this.#block = block;
    this.format = format;
    this.#maxWrite = isRegularFile(fd) ? BUFFER_BYTES : PIPE_ATOMIC_BYTES;
  }

  /**
   * Adds a line.
   * @param durationMs from the first byte of the request to the last of the response.
   * @param wallMs when it ended, milliseconds since the epoch.
   */
  record(r: LoggedRequest, outcome: LoggedOutcome, durationMs: number, wallMs: number): void {
    const targetLength = r.targetEnd - r.targetStart;
    const idLength = r.requestIdEnd - r.requestIdStart;
    const labelsLength = r.labels === null ? 0 : r.labels.json.length;
    const longest = 2 * targetLength + idLength + labelsLength + LONGEST_FIXED_PART;
    if (longest > BUFFER_BYTES || (this.#length + longest > BUFFER_BYTES && !this.#nextBuffer())) {
      this.#lost(1);
      return;
    }
    this.#stamp(wallMs);
    this.#length =
      this.format === "text" ? this.#writeText(r, outcome, durationMs) : this.#writeJson(r, outcome, durationMs);
    this.#block.counters[WorkerCounter.ACCESS_LOG_LINES]++;
    if (this.#length >= FLUSH_BYTES) this.flush();
  }

  /** Writes out what has gathered. Called by a timer too, so that a quiet service's lines appear soon. */
  flush(): void {
    if (this.#writing || this.#closed) return;
    if (this.#full.length === 0 && (this.#length === 0 || !this.#nextBuffer())) return;
    const { buffer, length } = this.#full.shift() as FullBuffer;
    this.#writing = true;
    this.#losing = false;
    this.#writeOut(buffer, 0, length);
  }

  /** Lines up the present buffer for writing and goes on with another one. @returns false when too many are waiting. */
  #nextBuffer(): boolean {
    if (this.#full.length >= MAX_FULL_BUFFERS) return false;
    this.#full.push({ buffer: this.#buffer, length: this.#length });
    this.#buffer = this.#spare ?? Buffer.allocUnsafeSlow(BUFFER_BYTES);
    this.#spare = null;
    this.#length = 0;
    return true;
  }

  #written(buffer: Buffer): void {
    this.#writing = false;
    this.#spare = buffer;
    if (this.#full.length > 0) this.flush();
  }

  /** Resolves when all lines are out, or after `timeoutMs`: a reader may be stuck. */
  async allOut(timeoutMs: number): Promise<void> {
    for (let waited = 0; waited < timeoutMs; waited += 5) {
      this.flush();
      if (!this.#writing && this.#length === 0 && this.#full.length === 0) return;
      await Bun.sleep(5);
    }
  }

  /** Waits for all lines as `allOut` does: a stuck reader must not keep the process alive. What is left then is given up. */
  async close(timeoutMs: number): Promise<void> {
    await this.allOut(timeoutMs);
    this.#closed = true;
  }

  #writeOut(data: Buffer, start: number, end: number): void {
    if (this.#closed) return;
    const stop = this.#lineEndBefore(data, start, end);
    write(this.#fd, data, start, stop - start, null, (error, written) => {
      if (error !== null && error.code !== "EAGAIN" && error.code !== "EINTR") {
        // A full disk or a closed pipe: what could not be written is lost, and counted.
        this.#lost(countLines(data, start, end));
        this.#written(data);
        return;
      }
      const next = start + (error === null ? written : 0);
      if (next < end) {
        if (error === null) this.#writeOut(data, next, end);
        else setTimeout(() => this.#writeOut(data, next, end), 10);
        return;
      }
      if (!this.#losing) this.#block.counters[WorkerCounter.ACCESS_LOG_FAILING] = 0;
      this.#written(data);
    });
  }

  /** The supervisor says it once and shows it as a degraded mode; here it must cost nothing. */
  #lost(lines: number): void {
    this.#losing = true;
    this.#block.counters[WorkerCounter.ACCESS_LOG_DROPPED] += lines;
    this.#block.counters[WorkerCounter.ACCESS_LOG_FAILING] = 1;
  }

  /** Where to stop so that a write to a pipe holds whole lines and stays atomic. */
  #lineEndBefore(data: Buffer, start: number, end: number): number {
    if (end - start <= this.#maxWrite) return end;
    const at = data.lastIndexOf(10, start + this.#maxWrite - 1);
    return at > start ? at + 1 : Math.min(end, data.indexOf(10, start) + 1 || end);
  }

  #writeJson(r: LoggedRequest, outcome: LoggedOutcome, durationMs: number): number {
    const out = this.#buffer;
    let at = copyAll(out, this.#length, this.#jsonStart);
    at = copyBytes(out, at, r.requestIdBuffer, r.requestIdStart, r.requestIdEnd);
    if (isUnknownMethod(r)) {
      at = copyAll(out, at, METHOD);
      at = copyBytes(out, at, r.headBuffer, r.methodStart, r.methodEnd);
      at = copyAll(out, at, PATH);
    } else at = copyAll(out, at, KNOWN_METHOD[r.method]);
    at = copyEscaped(out, at, r.headBuffer, r.targetStart, r.targetEnd);
    at = copyAll(out, at, STATUS);
    at = writeInteger(out, at, outcome.status);
    at = copyAll(out, at, DURATION);
    at = writeSeconds(out, at, durationMs);
    at = copyAll(out, at, REMOTE_IP);
    at = copyAll(out, at, r.clientAddress);
    at = copyAll(out, at, SERVER_ID);
    at = writeInteger(out, at, outcome.serverId);
    if (r.labels !== null) at = copyAll(out, at, r.labels.json);
    at = copyAll(out, at, BYTES);
    at = writeInteger(out, at, outcome.responseBytes);
    if (outcome.attempts > 1) at += out.write(`,"attempts":${outcome.attempts}`, at);
    if (outcome.failure !== null) {
      at += out.write(`,"error":"${outcome.failure.code}","error_source":"${outcome.failure.source}"`, at);
    }
    at = copyAll(out, at, TRACE_ID);
    if (r.traced) at = copyBytes(out, at, r.traceIdBuffer, r.traceIdStart, r.traceIdStart + 32);
    return copyAll(out, at, END);
  }

  #writeText(r: LoggedRequest, outcome: LoggedOutcome, durationMs: number): number {
    const out = this.#buffer;
    const id = r.requestIdBuffer.toString("latin1", r.requestIdStart, r.requestIdEnd);
    const trace = r.traced ? r.traceIdBuffer.toString("latin1", r.traceIdStart, r.traceIdStart + 32) : "";
    const failed =
      outcome.failure === null ? "" : ` error=${outcome.failure.code} error_source=${outcome.failure.source}`;
    const attempts = outcome.attempts > 1 ? ` attempts=${outcome.attempts}` : "";
    let at = copyAll(out, this.#length, this.#timestamp);
    at += out.write(` ${r.clientAddress.toString("latin1")} "`, at);
    at = writeMethod(out, at, r);
    out[at++] = 32;
    at = copyEscaped(out, at, r.headBuffer, r.targetStart, r.targetEnd);
    at += out.write(
      `" ${outcome.status} ${(durationMs / 1000).toFixed(6)}s ${outcome.responseBytes}B server=${outcome.serverId}`,
      at,
    );
    if (r.labels !== null) at = copyAll(out, at, r.labels.text);
    at += out.write(`${attempts}${failed} request_id=${id} trace_id=${trace}\n`, at);
    return at;
  }

  /** RFC 3339 in UTC with milliseconds; the date part is rebuilt once a second. */
  #stamp(wallMs: number): void {
    const wholeMs = Math.floor(wallMs);
    if (wholeMs === this.#lastMs) return;
    this.#lastMs = wholeMs;
    const second = Math.floor(wholeMs / 1000);
    const start = this.#jsonStart;
    if (second !== this.#lastSecond) {
      this.#lastSecond = second;
      start.write(new Date(second * 1000).toISOString(), JSON_TIMESTAMP_AT);
    }
    const ms = wholeMs - second * 1000;
    start[JSON_TIMESTAMP_AT + 20] = 48 + Math.floor(ms / 100);
    start[JSON_TIMESTAMP_AT + 21] = 48 + (Math.floor(ms / 10) % 10);
    start[JSON_TIMESTAMP_AT + 22] = 48 + (ms % 10);
  }
}

/** Is the method in the head none of `METHODS`? It is a token (RFC 9110 section 5.6.2): nothing in it needs escaping. */
function isUnknownMethod(r: LoggedRequest): boolean {
  return r.method === 0 && r.methodEnd > 0;
}

function writeMethod(out: Buffer, at: number, r: LoggedRequest): number {
  if (isUnknownMethod(r)) return copyBytes(out, at, r.headBuffer, r.methodStart, r.methodEnd);
  return copyAll(out, at, METHOD_NAMES[r.method]);
}

/**
 * Copies a request target, which is visible ASCII (the parser refuses anything else), escaping what would end the quoted
 * string that it stands in: the same for JSON (RFC 8259 section 7) and text.
 */
function copyEscaped(out: Buffer, start: number, src: Buffer, from: number, to: number): number {
  let at = start;
  for (let i = from; i < to; i++) {
    const c = src[i];
    if (c === 34 || c === 92) out[at++] = 92;
    out[at++] = c;
  }
  return at;
}

/** Writes milliseconds as seconds with six decimals. */
function writeSeconds(out: Buffer, start: number, durationMs: number): number {
  const us = Math.round(durationMs * 1000);
  const seconds = Math.floor(us / 1_000_000);
  let at = writeInteger(out, start, seconds);
  out[at++] = 46;
  let rest = us - seconds * 1_000_000;
  for (let i = at + 5; i >= at; i--) {
    const tenth = Math.floor(rest / 10);
    out[i] = 48 + (rest - tenth * 10);
    rest = tenth;
  }
  return at + 6;
}

function isRegularFile(fd: number): boolean {
  try {
    return fstatSync(fd).isFile();
  } catch {
    return false;
  }
}

function countLines(data: Buffer, start: number, end: number): number {
  let lines = 0;
  for (let i = start; i < end; i++) if (data[i] === 10) lines++;
  return lines;
}
