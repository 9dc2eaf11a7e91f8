/** The records of sampled requests as workers wrote them, read from their ring and taken apart. */
import { failureCode } from "../../src/shared/failure-codes.ts";
import {
  TRACE_ROWS,
  TRACE_TEXTS,
  TraceAttemptFlag,
  TraceAttemptKind,
  TraceAttemptWord,
  TraceFlag,
  type TraceRings,
  TraceWord,
} from "../../src/shared/memory/layout/tracing.ts";
import { RingCursor, type Row } from "../../src/shared/memory/ring.ts";

const KINDS = Object.keys(TraceAttemptKind) as (keyof typeof TraceAttemptKind)[];

/** One attempt. */
export type TracedAttempt = ReturnType<typeof attemptOf>;
/** One request. */
export type TracedRequest = ReturnType<typeof recordOf>;

/** Reads one worker's ring, each record once. */
export class TraceReader {
  readonly #cursor: RingCursor;

  constructor({ requests }: TraceRings) {
    this.#cursor = new RingCursor(requests, TRACE_ROWS, TraceWord.LENGTH);
  }

  /** What came since the last call. */
  take(): TracedRequest[] {
    const records: TracedRequest[] = [];
    const lost = this.#cursor.drain((row) => void records.push(recordOf(row)));
    if (lost > 0) throw new Error(`${lost} records were overwritten`);
    return records;
  }
}

function recordOf({ words, floats, figures }: Row) {
  const bytes = Buffer.from(words.buffer, words.byteOffset, words.byteLength);
  const hex = (word: number, length: number): string => bytes.toString("hex", word * 4, word * 4 + length);
  const flags = words[TraceWord.FLAGS];
  const kept = words[TraceWord.ATTEMPTS] & 255;
  return {
    traceId: hex(TraceWord.TRACE_ID, 16),
    spanId: hex(TraceWord.SPAN_ID, 8),
    parentId: hex(TraceWord.PARENT_ID, 8),
    startMs: figures[TraceWord.START >> 1],
    endMs: figures[TraceWord.END >> 1],
    requestBytes: figures[TraceWord.REQUEST_BYTES >> 1],
    responseBytes: figures[TraceWord.RESPONSE_BYTES >> 1],
    route: words[TraceWord.ROUTE] & 0xffff,
    status: words[TraceWord.ROUTE] >>> 16,
    pool: words[TraceWord.POOL] & 255,
    method: (words[TraceWord.POOL] >>> 8) & 255,
    failure: failureCode(words[TraceWord.POOL] >>> 16),
    secure: (flags & TraceFlag.SECURE) !== 0,
    http10: (flags & TraceFlag.HTTP_1_0) !== 0,
    tunnel: (flags & TraceFlag.TUNNEL) !== 0,
    waitMs: floats[TraceWord.WAIT],
    port: words[TraceWord.PORT],
    count: words[TraceWord.ATTEMPTS] >>> 8,
    attempts: Array.from({ length: kept }, (_, row) => attemptOf(row, { words, floats, figures }, hex)),
    texts: textsOf(bytes),
  };
}

function attemptOf(row: number, { words, floats, figures }: Row, hex: (word: number, length: number) => string) {
  const at = TraceWord.ATTEMPT + row * TraceAttemptWord.LENGTH;
  const flags = words[at + TraceAttemptWord.KIND] >>> 8;
  return {
    spanId: hex(at + TraceAttemptWord.SPAN_ID, 8),
    kind: KINDS[words[at + TraceAttemptWord.KIND] & 255],
    reused: (flags & TraceAttemptFlag.REUSED) !== 0,
    responded: (flags & TraceAttemptFlag.RESPONDED) !== 0,
    startMs: figures[(at + TraceAttemptWord.START) >> 1],
    endMs: figures[(at + TraceAttemptWord.END) >> 1],
    responseBytes: figures[(at + TraceAttemptWord.RESPONSE_BYTES) >> 1],
    server: words[at + TraceAttemptWord.SERVER],
    status: words[at + TraceAttemptWord.STATUS] & 0xffff,
    failure: failureCode(words[at + TraceAttemptWord.STATUS] >>> 16),
    connectMs: floats[at + TraceAttemptWord.CONNECT],
    tlsMs: floats[at + TraceAttemptWord.TLS],
    headMs: floats[at + TraceAttemptWord.HEAD],
    inFlight: words[at + TraceAttemptWord.IN_FLIGHT],
    candidates: words[at + TraceAttemptWord.CANDIDATES],
    score: floats[at + TraceAttemptWord.SCORE],
    arm: words[at + TraceAttemptWord.ARM],
    ejected: words[at + TraceAttemptWord.EJECTED],
    state: words[at + TraceAttemptWord.STATE],
  };
}

function textsOf(bytes: Buffer): Record<keyof typeof TRACE_TEXTS, string> {
  let at = TraceWord.TEXTS * 4;
  const entries = Object.entries(TRACE_TEXTS).map(([name, room], index) => {
    const length = bytes.readUInt16LE(TraceWord.LENGTHS * 4 + 2 * index);
    const text = bytes.toString("latin1", at, at + length);
    if (length > room) throw new Error(`${name} is longer than its room: ${length}`);
    at += room;
    return [name, text] as const;
  });
  return Object.fromEntries(entries) as Record<keyof typeof TRACE_TEXTS, string>;
}
