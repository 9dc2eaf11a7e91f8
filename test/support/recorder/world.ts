/** Workers that write and a recorder that reads, in the test's own process, over a plain buffer and on a clock of the test's. */
import type { RecordedNames, RecordedServer } from "../../../src/protocol/recorded-names.ts";
import { type Failure, Failures } from "../../../src/proxy/failure.ts";
import { type HistoryOutcome, type HistoryRequest, HistoryWriter } from "../../../src/proxy/record/history-writer.ts";
import { UNTRACED } from "../../../src/proxy/record/traced-request.ts";
import { Recorder } from "../../../src/recorder/recorder.ts";
import { RecorderCounter } from "../../../src/shared/memory/layout/history.ts";
import {
  Header,
  SHARED_BYTES,
  type SharedMemory,
  viewSharedMemory,
} from "../../../src/shared/memory/layout/shared-memory.ts";
import { Method } from "../../../src/shared/memory/series-table.ts";
import type { EventRow, ServerRow } from "../../../src/storage/history-store.ts";
import { seeded } from "../networks.ts";
import { recordingLogger } from "../recording-logger.ts";
import { FakeHistory } from "./history-fake.ts";

/** Where the wall clock stands when the boot clock is 0. */
export const EPOCH_MS = 1_700_000_000_000;
const ID = Buffer.from("0123456789abcdef0123456789abcdef");
const HEAD = Buffer.from("GET /path?query=1 HTTP/1.1\r\n");
const CLIENT = Buffer.from("192.0.2.1");

/** What a request is like; what is left out is usual. */
export interface Happening {
  readonly worker?: number;
  readonly server?: number;
  readonly route?: number;
  readonly pool?: number;
  readonly status?: number;
  readonly durationMs?: number;
  readonly waitMs?: number;
  readonly attempts?: number;
  readonly responseBytes?: number;
  readonly failure?: Failure | null;
}

/** A server that the recorder knows. */
export function recordedServer(id: number, of: Partial<RecordedServer> = {}): RecordedServer {
  const address = `10.0.0.${id}`;
  const url = `http://s${id}.test:80`;
  return {
    id,
    slot: id,
    url,
    hostname: `s${id}.test`,
    address,
    port: 80,
    pool: "p",
    weight: 1,
    capacity: 10,
    present: true,
    ...of,
  };
}

/** One server of one pool, and one route. */
export const NAMES: RecordedNames = {
  servers: [recordedServer(1)],
  pools: [{ row: 0, name: "p" }],
  routes: [{ number: 0, name: "r" }],
};

/** See the top of this file. */
export class RecorderWorld {
  readonly memory: SharedMemory = viewSharedMemory(new ArrayBuffer(SHARED_BYTES));
  readonly told: { readonly rows: readonly ServerRow[]; readonly undone: readonly ServerRow[] }[] = [];
  /** Numbers of events that the recorder said to have in the store. */
  readonly kept: number[] = [];
  readonly lines: ReturnType<typeof recordingLogger>["lines"];
  /** The boot clock, and what makes it the wall clock. */
  bootMs = 0;
  offsetMs = EPOCH_MS;
  names: RecordedNames = NAMES;
  maxRows = 100;
  slowMs = 0;
  readonly random: () => number;
  readonly #writers: HistoryWriter[];
  readonly #log: ReturnType<typeof recordingLogger>;

  constructor(workers = 2, seed = 1) {
    this.memory.header[Header.WORKER_BLOCKS] = workers;
    this.random = seeded(seed);
    const { history, recorder } = this.memory;
    this.#writers = history.slice(0, workers).map((rings) => new HistoryWriter(rings, recorder.wishes, 0, this.random));
    this.#log = recordingLogger();
    this.lines = this.#log.lines;
  }

  /** A recorder, which goes on where the last one was. */
  recorder(): Recorder {
    return new Recorder({
      memory: this.memory,
      names: this.names,
      instance: "test",
      settings: { maxRequestRowsPerSecond: this.maxRows, slowRequestMs: this.slowMs },
      log: this.#log.log,
      bootMs: () => this.bootMs,
      wallOffsetMs: () => this.offsetMs,
      random: this.random,
      tell: (rows, undone) => void this.told.push({ rows, undone }),
      kept: (number) => void this.kept.push(number),
    });
  }

  /** A recorder whose store is open. */
  async recording(store = new FakeHistory()): Promise<{ recorder: Recorder; store: FakeHistory }> {
    const recorder = this.recorder();
    await recorder.open(store);
    return { recorder, store };
  }

  /** A request ends now. */
  request(of: Happening = {}): void {
    const { worker = 0, server = 1, route = 0, pool = 0, status = 200, durationMs = 5, waitMs = 0 } = of;
    const { attempts = 1, responseBytes = 100, failure = null } = of;
    const request: HistoryRequest = {
      route,
      poolRow: pool,
      method: Method.GET,
      headBuffer: HEAD,
      methodStart: 0,
      methodEnd: 3,
      targetStart: 4,
      targetEnd: 17,
      requestIdBuffer: ID,
      requestIdStart: 0,
      requestIdEnd: ID.length,
      ...UNTRACED,
      clientAddress: CLIENT,
    };
    const outcome: HistoryOutcome = {
      status,
      serverId: server,
      responseBytes,
      attempts,
      failure,
      waitMs,
      headMs: durationMs / 2,
      inFlightAtDispatch: 3,
    };
    this.#writers[worker].record(request, outcome, durationMs, this.bootMs);
  }

  /** Time passes, in steps of the recorder's. Whatever it began is done in between. */
  async pass(recorder: Recorder, ms: number, meanwhile: () => void = () => {}): Promise<void> {
    for (const untilMs = this.bootMs + ms; this.bootMs < untilMs; ) {
      this.bootMs += Math.min(100, untilMs - this.bootMs);
      meanwhile();
      recorder.step();
      for (let i = 0; i < 5; i++) await null; // what it flushed is flushed
    }
  }

  /** What a counter says. */
  counter(name: keyof typeof RecorderCounter): number {
    return this.memory.recorder.counters[RecorderCounter[name]];
  }
}

/** An event like any other. */
export function anEvent(message: string): EventRow {
  return {
    atMs: EPOCH_MS,
    kind: "change",
    pool: "",
    server: "",
    address: "",
    actor: "test",
    message,
    detail: {},
  };
}

export { Failures };
