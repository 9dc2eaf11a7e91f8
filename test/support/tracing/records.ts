/** Records of sampled requests, written into a worker's ring as a worker does. */
import type { RecordedServer } from "../../../src/protocol/recorded-names.ts";
import type { TracedNames } from "../../../src/protocol/tracer.ts";
import { FAILURE_CODES } from "../../../src/shared/failure-codes.ts";
import { ServerState, type SharedMemory } from "../../../src/shared/memory/layout/shared-memory.ts";
import { TRACE_ROWS, TRACE_TEXTS, TraceAttemptWord, TraceWord } from "../../../src/shared/memory/layout/tracing.ts";
import { newRow, RingWriter, type Row } from "../../../src/shared/memory/ring.ts";
import { METHODS } from "../../../src/shared/memory/series-table.ts";

const A = TraceAttemptWord;

/** An attempt; what is left out is usual. */
export interface AttemptLike {
  readonly spanId?: string;
  readonly startMs?: number;
  readonly endMs?: number;
  readonly server?: number;
  readonly status?: number;
  readonly failure?: string;
  readonly kind?: number;
  readonly flags?: number;
  readonly connectMs?: number;
  readonly tlsMs?: number;
  readonly headMs?: number;
  readonly inFlight?: number;
  readonly candidates?: number;
  readonly score?: number;
  readonly arm?: number;
  readonly rung?: number;
  /** A `Choice`. */
  readonly choice?: number;
  /** Candidates: id, in flight, score. */
  readonly chosenFrom?: readonly (readonly [number, number, number])[];
  readonly ejected?: number;
  readonly state?: number;
  readonly responseBytes?: number;
}

/** A request; what is left out is usual. */
export interface RequestLike {
  readonly traceId?: string;
  readonly spanId?: string;
  readonly parentId?: string;
  readonly startMs?: number;
  readonly endMs?: number;
  readonly requestBytes?: number;
  readonly responseBytes?: number;
  readonly route?: number;
  readonly status?: number;
  readonly pool?: number;
  readonly method?: string;
  readonly failure?: string;
  readonly flags?: number;
  readonly waitMs?: number;
  readonly port?: number;
  readonly allAttempts?: number;
  readonly texts?: Partial<Record<keyof typeof TRACE_TEXTS, string | Buffer>>;
  readonly attempts?: readonly AttemptLike[];
}

/** 32 hexadecimal digits. */
export const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
export const SPAN_ID = "b7ad6b7169203331";

/** Names of one server, one pool, one route. */
export const TRACED_NAMES: TracedNames = {
  servers: [server(1), server(2)],
  pools: [{ row: 0, name: "shop" }],
  routes: [{ number: 16, name: "shop-pages" }],
  strategies: { shop: "ml" },
};

/** A server that the tracer knows. */
export function server(id: number): RecordedServer {
  const hostname = `s${id}.test`;
  const place = { id, slot: id, url: `http://${hostname}:80${80 + id}`, hostname, address: `10.0.0.${id}` };
  return { ...place, port: 8080 + id, pool: "shop", weight: 1, capacity: 10, present: true };
}

/** Fills a row by itself. */
export function traceRow(request: RequestLike = {}): Row {
  const row = newRow(TraceWord.LENGTH);
  fill(row, 0, request);
  return row;
}

/** Appends a record to a worker's ring. */
export function writeTrace(memory: Pick<SharedMemory, "traces">, worker: number, request: RequestLike = {}): void {
  const { requests } = memory.traces[worker];
  const writer = new RingWriter(requests, TRACE_ROWS, TraceWord.LENGTH);
  fill(requests, writer.next(), request);
  writer.commit();
}

/** @param at first word of the row. */
function fill({ words, floats, figures }: Row, at: number, request: RequestLike): void {
  const bytes = Buffer.from(words.buffer, words.byteOffset + at * 4, TraceWord.LENGTH * 4);
  bytes.fill(0);
  const { texts = {}, attempts = [] } = request;
  Buffer.from(request.traceId ?? TRACE_ID, "hex").copy(bytes, TraceWord.TRACE_ID * 4);
  Buffer.from(request.spanId ?? SPAN_ID, "hex").copy(bytes, TraceWord.SPAN_ID * 4);
  Buffer.from(request.parentId ?? "", "hex").copy(bytes, TraceWord.PARENT_ID * 4);
  const figure = (word: number, value: number) => {
    figures[(at + word) >> 1] = value;
  };
  figure(TraceWord.START, request.startMs ?? 1_000);
  figure(TraceWord.END, request.endMs ?? 1_010.5);
  figure(TraceWord.REQUEST_BYTES, request.requestBytes ?? 0);
  figure(TraceWord.RESPONSE_BYTES, request.responseBytes ?? 5);
  words[at + TraceWord.ROUTE] = (request.route ?? 16) + (request.status ?? 200) * 65_536;
  const method = METHODS.indexOf((request.method ?? "GET") as (typeof METHODS)[number]);
  words[at + TraceWord.POOL] = (request.pool ?? 0) + method * 256 + failureOf(request.failure) * 65_536;
  words[at + TraceWord.FLAGS] = request.flags ?? 0;
  floats[at + TraceWord.WAIT] = request.waitMs ?? 0;
  words[at + TraceWord.ATTEMPTS] = attempts.length + (request.allAttempts ?? attempts.length) * 256;
  words[at + TraceWord.PORT] = request.port ?? 8080;
  let textAt = TraceWord.TEXTS * 4;
  for (const [index, [name, room]] of Object.entries(TRACE_TEXTS).entries()) {
    const text = Buffer.from(texts[name as keyof typeof TRACE_TEXTS] ?? (name === "path" ? "/" : ""));
    const length = text.copy(bytes, textAt, 0, room);
    words[at + TraceWord.LENGTHS + (index >> 1)] |= length << ((index & 1) * 16);
    textAt += room;
  }
  for (const [index, attempt] of attempts.entries()) {
    const from = TraceWord.ATTEMPT + index * A.LENGTH;
    const id = attempt.spanId ?? (0xa0 + index).toString(16).padStart(16, "0");
    Buffer.from(id, "hex").copy(bytes, (from + A.SPAN_ID) * 4);
    figure(from + A.START, attempt.startMs ?? 1_001);
    figure(from + A.END, attempt.endMs ?? 1_009);
    figure(from + A.RESPONSE_BYTES, attempt.responseBytes ?? 0);
    words[at + from + A.SERVER] = attempt.server ?? 1;
    words[at + from + A.STATUS] = (attempt.status ?? 200) + failureOf(attempt.failure) * 65_536;
    words[at + from + A.KIND] = (attempt.kind ?? 0) + (attempt.flags ?? 0) * 256;
    floats[at + from + A.CONNECT] = attempt.connectMs ?? 0;
    floats[at + from + A.TLS] = attempt.tlsMs ?? Number.NaN;
    floats[at + from + A.HEAD] = attempt.headMs ?? Number.NaN;
    words[at + from + A.IN_FLIGHT] = attempt.inFlight ?? 0;
    words[at + from + A.CANDIDATES] = attempt.candidates ?? 0;
    floats[at + from + A.SCORE] = attempt.score ?? Number.NaN;
    words[at + from + A.ARM] = attempt.arm === undefined ? -1 : attempt.arm + (attempt.rung ?? 0) * 256;
    words[at + from + A.EJECTED] = attempt.ejected ?? 0;
    words[at + from + A.STATE] = attempt.state ?? ServerState.UP;
    const chosenFrom = attempt.chosenFrom ?? [];
    words[at + from + A.CHOICE] = (attempt.choice ?? 0) + chosenFrom.length * 256;
    for (const [i, [server, load, score]] of chosenFrom.entries()) {
      words[at + from + A.CHOSEN_FROM + 3 * i] = server;
      words[at + from + A.CHOSEN_FROM + 3 * i + 1] = load;
      floats[at + from + A.CHOSEN_FROM + 3 * i + 2] = score;
    }
  }
}

function failureOf(code = ""): number {
  const index = FAILURE_CODES.indexOf(code);
  if (index < 0) throw new Error(`${code} is no failure`);
  return index;
}
