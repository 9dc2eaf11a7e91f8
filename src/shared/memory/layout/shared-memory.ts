/**
 * The one owner of the shared memory's layout: a file in /dev/shm that every process maps.
 *
 * Rules (see ARCHITECTURE.md, "Who writes what memory"):
 * - every column has exactly one kind of writer, named beside it;
 * - a column written by several processes is Int32 and only touched through `Atomics`;
 * - 64-bit floats are 8-byte aligned and written whole, so a reader never sees half a number;
 * - the supervisor publishes the server table under a sequence number (`Header.TABLE_VERSION`): odd while it writes,
 *   even when the snapshot is complete. A reader that sees an odd or a changed number reads again.
 */
import { ATTEMPT_CAUSES } from "../../attempt-causes.ts";
import { bucketCount } from "../../latency-buckets.ts";
import { GRPC_NAME_BYTES, GRPC_ROWS, GRPC_STATUSES } from "../grpc-table.ts";
import { MIRROR_ROWS, MirrorWord } from "../mirror-table.ts";
import { Carver } from "./carver.ts";
import { type ClassMemory, carveClasses } from "./classes.ts";
import { BriefDurationWord, DURATION_BUCKETS, DURATION_ROWS, DurationWord, ExemplarWord } from "./durations.ts";
import { carveExplain, type ExplainMemory } from "./explain.ts";
import {
  DETAIL_ROWS,
  DetailWord,
  type HistoryRings,
  ProgressFigure,
  REQUEST_ROWS,
  RecorderCounter,
  RecorderFigure,
  type RecorderMemory,
  type RecorderProgress,
  RecorderWish,
  RecorderWord,
  RequestWord,
} from "./history.ts";
import {
  DECISION_ROWS,
  DecisionWord,
  type LearnedTable,
  LearnerCounter,
  LearnerFigure,
  LearnerWord,
  OUTCOME_ROWS,
  OutcomeWord,
  PredictionWord,
  SCORE_COLUMNS,
  TABLE_COPIES,
  TABLE_MODELS,
  type WorkerRings,
  WorkWord,
} from "./learning.ts";
import { carvePeers, type PeerTable } from "./peers.ts";
import { QueueWord, WAITER_WORDS } from "./queues.ts";
import { TRACE_ROWS, type TraceRings, TracerCounter, type TracerMemory, TraceWord } from "./tracing.ts";
import { WorkerCounter } from "./worker-counters.ts";

/** "NBLB" in little-endian bytes: the first word of a complete file. */
export const LAYOUT_MAGIC = 0x424c424e;
/** Raised with every incompatible change of the layout. */
export const LAYOUT_VERSION = 17;

/** The most servers (addresses) one instance balances over; slots are 0 … MAX_SERVERS-1. */
export const MAX_SERVERS = 512;
/** The most pools of servers, those that drain included; rows are 0 … MAX_POOLS-1. */
export const MAX_POOLS = 128;
/** The most worker processes. */
export const MAX_WORKERS = 64;
/** Entries of a worker's table of request series; a power of two. */
export const SERIES_CAPACITY = 16_384;
/** Buckets that client addresses are counted in; a power of two. Two addresses share one once in 16,384 pairs. */
export const CLIENT_BUCKETS = 16_384;

/** Words of the file's header (Int32). Writer: supervisor. */
export const Header = {
  MAGIC: 0,
  LAYOUT_VERSION: 1,
  /** Sequence number of the server table: odd while the supervisor writes it. */
  TABLE_VERSION: 2,
  /** 1 while the instance shuts down: readiness fails, requests still flow. */
  DRAINING: 3,
  /** Number of workers that the supervisor means to run. */
  WORKERS: 5,
  SUPERVISOR_PID: 6,
  /** Blocks 0 … n-1 have been used by a worker; only ever grows. Reading others would make their pages real. */
  WORKER_BLOCKS: 7,
  /** Whether the instance is ready, how many servers there are and how many of them are healthy: see readiness.ts. */
  READINESS: 8,
  /** 32 bits that nobody outside knows: templates of paths are hashed with them. */
  TEMPLATE_SECRET: 9,
  LENGTH: 16,
} as const;

/** A server's state, as the supervisor publishes it in `ServerTable.state`. */
export const ServerState = {
  /** The slot is free. */
  EMPTY: 0,
  /** Takes requests. */
  UP: 1,
  /** Its health checks fail. */
  DOWN: 2,
  /** Finishes what it has and takes nothing new. */
  DRAINING: 3,
  /** Ejected as an outlier: health checks pass, responses do not. */
  EJECTED: 4,
  /** As `UP`, and kept for when the pool's others fail: a backup. */
  STANDBY: 5,
  /** As `DRAINING`, and worked on: an operator said so. */
  MAINTENANCE: 6,
} as const;
export type ServerState = (typeof ServerState)[keyof typeof ServerState];

/** It takes nothing new because somebody wants it so: it counts neither as well nor as failing. */
export function isWithdrawn(state: number): boolean {
  return state === ServerState.DRAINING || state === ServerState.MAINTENANCE;
}

/** The server table: columns indexed by slot. */
export interface ServerTable {
  /** Identity of the server in the slot; 0 = free. Never reused within a run. Writer: supervisor. */
  readonly id: Int32Array;
  /** Row of the pool that it belongs to, in `PoolTable`. Writer: supervisor. */
  readonly pool: Int32Array;
  /** A `ServerState`. Writer: supervisor. */
  readonly state: Int32Array;
  /** Configured weight × slow-start factor, > 0. Writer: supervisor. */
  readonly effectiveWeight: Float64Array;
  /** Configured weight as shown to users. Writer: supervisor. */
  readonly weight: Float64Array;
  /** Capacity as shown to users and to the model. Writer: supervisor. */
  readonly capacity: Int32Array;
  /** Most requests in flight at once; 0 = not enforced. Writer: supervisor. */
  readonly hardLimit: Int32Array;
  /** Percent, NaN = unknown. Writer: supervisor (polled /metrics; ORCA reports arrive through the worker blocks). */
  readonly cpuUsagePercent: Float64Array;
  /** Percent, NaN = unknown. Writer: supervisor. */
  readonly memoryUsagePercent: Float64Array;
  /**
   * Requests in flight over all workers, and those of other instances that share them (`PeerTable`). Writers: workers (`Atomics.add`),
   * supervisor (a dead worker's share, the others').
   */
  readonly inFlight: Int32Array;
  /**
   * What these are expected to cost, in `WORK_UNIT`ths (classes.ts) of a mean request of the pool; 0 where it tells no classes of
   * requests apart. Writers: as above.
   */
  readonly workInFlight: Int32Array;
  /**
   * Requests in flight whose body still comes, or whose response has begun: how long that takes is their
   * client's business (an upload, an event stream, a WebSocket), and no worker of the server is taken for it. Writers: as above.
   */
  readonly transferring: Int32Array;
  /**
   * When the last response came to any worker, or the first request was sent that waits since; boot clock, milliseconds.
   * Writers: workers, whole numbers of 64 bits over each other's: the last one is right.
   */
  readonly silentSinceMs: Float64Array;
  /** Failures since the last success (see `FailureColumns`). Writers: workers (`Atomics`), supervisor (resets). */
  readonly consecutiveFailures: Int32Array;
  /** Of these, failures without a response since the last response. Writers: as above. */
  readonly consecutiveUnanswered: Int32Array;
  /** Of these, responses that broke off since the last complete one. Writers: as above. */
  readonly consecutiveBroken: Int32Array;
}

/**
 * The pools: columns indexed by a pool's row. A row is given to another pool only when no server of the first is left. Part of
 * the snapshot that `Header.TABLE_VERSION` guards.
 */
export interface PoolTable {
  /** 1 while panic routing is on: too few healthy servers, so all of the pool's are eligible. Writer: supervisor. */
  readonly panic: Int32Array;
  /** How many servers it has and how many of them are healthy: see readiness.ts. Writer: supervisor. */
  readonly readiness: Int32Array;
  /**
   * `[MAX_POOLS × WAITER_WORDS]`: in which workers requests wait for a server of the pool, a bit for each (queues.ts). Writers:
   * workers, each its own bit (`Atomics`), and the supervisor that of one that has died. No part of that snapshot.
   */
  readonly waiters: Int32Array;
}

/** Words of a worker's identity (Int32). Writer: that worker, unless said otherwise; cleared by the supervisor after its death. */
export const WorkerInfo = {
  PID: 0,
  /** 1 = it was sent a byte that tells of a place, and has not read it yet. Writers: all workers (`Atomics`). */
  WOKEN: 1,
  LENGTH: 16,
} as const;

/** One worker's block. Everything in it has that worker as its only writer, unless said otherwise. */
export interface WorkerBlock {
  readonly info: Int32Array;
  readonly counters: Float64Array;
  /** This worker's share of `ServerTable.inFlight`, by slot. The supervisor takes it back after the worker's death. */
  readonly ownInFlight: Int32Array;
  /** Likewise of `ServerTable.workInFlight`. */
  readonly ownWorkInFlight: Int32Array;
  /** Likewise of `ServerTable.transferring`. */
  readonly ownTransferring: Int32Array;
  /** Responses from the server, by slot (whatever their status). */
  readonly responses: Float64Array;
  /** Requests that the server failed (no response, or 5xx), by slot. */
  readonly failures: Float64Array;
  /** Those of the failures that are not among `responses`: no response began, by slot. */
  readonly unanswered: Float64Array;
  /** Sum of response times (dispatch to complete response head) in milliseconds, by slot. */
  readonly latencySumMs: Float64Array;
  /** Sum of request durations (first byte of the request to the last of the response) in milliseconds, by slot. */
  readonly durationSumMs: Float64Array;
  /** Last ORCA CPU utilisation seen, percent, NaN = none, by slot. */
  readonly orcaCpuPercent: Float64Array;
  /** Last ORCA memory utilisation seen, percent, NaN = none, by slot. */
  readonly orcaMemoryPercent: Float64Array;
  /** Histogram of response times (dispatch to response head), `[MAX_SERVERS × bucketCount]`, row by slot. */
  readonly latencyHistogram: Uint32Array;
  /** Histogram of whole request durations, same shape; `neurabalancer_http_request_duration_seconds` comes from it. */
  readonly durationHistogram: Uint32Array;
  /** This worker's share of `SharedMemory.clientConnections`. The supervisor takes it back after the worker's death. */
  readonly ownClientConnections: Int32Array;
  /** Keys of the request series (see series-table.ts); 0 = free. */
  readonly seriesKeys: Float64Array;
  /** Counts beside `seriesKeys`. A key is written after its count was set to zero. */
  readonly seriesCounts: Float64Array;
  /** Mirrored requests, by route: see mirror-table.ts. */
  readonly mirrorKeys: Float64Array;
  readonly mirrorFigures: Float64Array;
  /** Requests by route and pool: keys of the rows, 0 = free, and `[DURATION_ROWS × DurationWord.LENGTH]`. */
  readonly durationKeys: Float64Array;
  readonly durations: Float64Array;
  /** `[DURATION_ROWS × DURATION_BUCKETS × ExemplarWord.LENGTH]`; only while traces are exported. */
  readonly exemplars: Float64Array;
  /** Time in queues, by a pool's row, `[MAX_POOLS × BriefDurationWord.LENGTH]`: of those who waited for hard limits, and who were held. */
  readonly waits: Float64Array;
  readonly heldWaits: Float64Array;
  /** Who waits, by a pool's row: `[MAX_POOLS × QueueWord.LENGTH]` (queues.ts). */
  readonly queues: Float64Array;
  /** Connections that were made, and TLS handshakes on them, by slot: `[MAX_SERVERS × BriefDurationWord.LENGTH]`. */
  readonly connects: Float64Array;
  readonly handshakes: Float64Array;
  /** Requests that went over a kept connection, by slot. */
  readonly reuses: Float64Array;
  /** Attempts that the server failed, and those of them that another attempt followed, by slot and cause. */
  readonly failureCauses: Float64Array;
  readonly retryCauses: Float64Array;
  /** Calls of gRPC by method and status: see grpc-table.ts. A length is written after its name and its counts. */
  readonly grpcLengths: Int32Array;
  readonly grpcNames: Uint32Array;
  readonly grpcCounts: Float64Array;
}

/** Typed views over the whole file. */
export interface SharedMemory {
  readonly header: Int32Array;
  readonly servers: ServerTable;
  readonly pools: PoolTable;
  readonly peers: PeerTable;
  /**
   * Open connections by hash of the client's address, `[CLIENT_BUCKETS]`; only kept while a limit is set. Writers:
   * workers (`Atomics.add`), supervisor (a dead worker's share).
   */
  readonly clientConnections: Int32Array;
  /** What the learner publishes, by a pool's row. Writer: learner (words that the supervisor writes too say so). */
  readonly learned: readonly LearnedTable[];
  /** `LearnerCounter`s. Writer: learner; supervisor clears the gauges after its death. */
  readonly learnerCounters: Float64Array;
  /** By worker: number of the last outcome that the learner has counted, so that its successor goes on. Writer: learner. */
  readonly learnerPositions: Int32Array;
  /** `[MAX_SERVERS × PredictionWord.LENGTH]`: predicted and actual latency. Writer: learner. */
  readonly predictions: Float64Array;
  readonly workers: readonly WorkerBlock[];
  /** By worker, as `workers`. */
  readonly rings: readonly WorkerRings[];
  readonly recorder: RecorderMemory;
  /** By worker, as `workers`. */
  readonly history: readonly HistoryRings[];
  readonly tracer: TracerMemory;
  /** By worker, as `workers`. */
  readonly traces: readonly TraceRings[];
  readonly explain: ExplainMemory;
  readonly classes: ClassMemory;
}

function rowOf<T extends Int32Array | Float64Array>(table: T, row: number, length: number): T {
  return table.subarray(row * length, (row + 1) * length) as T;
}

function carve(c: Carver): SharedMemory {
  const header = c.int32(Header.LENGTH);
  const servers: ServerTable = {
    id: c.int32(MAX_SERVERS),
    pool: c.int32(MAX_SERVERS),
    state: c.int32(MAX_SERVERS),
    effectiveWeight: c.float64(MAX_SERVERS),
    weight: c.float64(MAX_SERVERS),
    capacity: c.int32(MAX_SERVERS),
    hardLimit: c.int32(MAX_SERVERS),
    cpuUsagePercent: c.float64(MAX_SERVERS),
    memoryUsagePercent: c.float64(MAX_SERVERS),
    inFlight: c.int32(MAX_SERVERS),
    workInFlight: c.int32(MAX_SERVERS),
    transferring: c.int32(MAX_SERVERS),
    silentSinceMs: c.float64(MAX_SERVERS),
    consecutiveFailures: c.int32(MAX_SERVERS),
    consecutiveUnanswered: c.int32(MAX_SERVERS),
    consecutiveBroken: c.int32(MAX_SERVERS),
  };
  const pools: PoolTable = {
    panic: c.int32(MAX_POOLS),
    readiness: c.int32(MAX_POOLS),
    waiters: c.int32(MAX_POOLS * WAITER_WORDS),
  };
  const peers = carvePeers(c, MAX_SERVERS);
  const clientConnections = c.int32(CLIENT_BUCKETS);
  const learnedRows = TABLE_MODELS * TABLE_COPIES * MAX_SERVERS;
  const words = c.int32(MAX_POOLS * LearnerWord.LENGTH);
  const figures = c.float64(MAX_POOLS * LearnerFigure.LENGTH);
  const learnerCounters = c.float64(LearnerCounter.LENGTH);
  const learnerPositions = c.int32(MAX_WORKERS);
  const predictions = c.float64(MAX_SERVERS * PredictionWord.LENGTH);
  const progress = (): RecorderProgress => ({
    figures: c.float64(ProgressFigure.LENGTH),
    requests: c.int32(MAX_WORKERS),
    details: c.int32(MAX_WORKERS),
  });
  const recorder: RecorderMemory = {
    wishes: c.float64(RecorderWish.LENGTH),
    counters: c.float64(RecorderCounter.LENGTH),
    words: c.int32(RecorderWord.LENGTH),
    figures: c.float64(RecorderFigure.LENGTH),
    progress: [progress(), progress()],
    counted: c.int32(MAX_WORKERS),
  };
  const tracer: TracerMemory = {
    counters: c.float64(TracerCounter.LENGTH),
    positions: c.int32(MAX_WORKERS),
  };
  const rowId = c.int32(learnedRows);
  const limit = c.int32(MAX_SERVERS);
  const limitId = c.int32(MAX_SERVERS);
  const settledLimit = c.int32(MAX_SERVERS);
  const ownLimit = c.int32(MAX_SERVERS);
  const limitSources = c.int32(MAX_SERVERS);
  c.page();
  const cost = c.float32(learnedRows * SCORE_COLUMNS);
  const learned = Array.from(
    { length: MAX_POOLS },
    (_, pool): LearnedTable => ({
      words: rowOf(words, pool, LearnerWord.LENGTH),
      figures: rowOf(figures, pool, LearnerFigure.LENGTH),
      rowId,
      cost,
      limit,
      limitId,
      settledLimit,
      ownLimit,
      limitSources,
    }),
  );
  const workers: WorkerBlock[] = [];
  for (let i = 0; i < MAX_WORKERS; i++) {
    c.page();
    workers.push({
      info: c.int32(WorkerInfo.LENGTH),
      counters: c.float64(WorkerCounter.LENGTH),
      ownInFlight: c.int32(MAX_SERVERS),
      ownWorkInFlight: c.int32(MAX_SERVERS),
      ownTransferring: c.int32(MAX_SERVERS),
      responses: c.float64(MAX_SERVERS),
      failures: c.float64(MAX_SERVERS),
      unanswered: c.float64(MAX_SERVERS),
      latencySumMs: c.float64(MAX_SERVERS),
      durationSumMs: c.float64(MAX_SERVERS),
      orcaCpuPercent: c.float64(MAX_SERVERS),
      orcaMemoryPercent: c.float64(MAX_SERVERS),
      latencyHistogram: c.uint32(MAX_SERVERS * bucketCount),
      durationHistogram: c.uint32(MAX_SERVERS * bucketCount),
      ownClientConnections: c.int32(CLIENT_BUCKETS),
      seriesKeys: c.float64(SERIES_CAPACITY),
      seriesCounts: c.float64(SERIES_CAPACITY),
      mirrorKeys: c.float64(MIRROR_ROWS),
      mirrorFigures: c.float64(MIRROR_ROWS * MirrorWord.LENGTH),
      durationKeys: c.float64(DURATION_ROWS),
      durations: c.float64(DURATION_ROWS * DurationWord.LENGTH),
      exemplars: c.float64(DURATION_ROWS * DURATION_BUCKETS * ExemplarWord.LENGTH),
      waits: c.float64(MAX_POOLS * BriefDurationWord.LENGTH),
      heldWaits: c.float64(MAX_POOLS * BriefDurationWord.LENGTH),
      queues: c.float64(MAX_POOLS * QueueWord.LENGTH),
      connects: c.float64(MAX_SERVERS * BriefDurationWord.LENGTH),
      handshakes: c.float64(MAX_SERVERS * BriefDurationWord.LENGTH),
      reuses: c.float64(MAX_SERVERS),
      failureCauses: c.float64(MAX_SERVERS * ATTEMPT_CAUSES.length),
      retryCauses: c.float64(MAX_SERVERS * ATTEMPT_CAUSES.length),
      grpcLengths: c.int32(GRPC_ROWS),
      grpcNames: c.uint32((GRPC_ROWS * GRPC_NAME_BYTES) / Uint32Array.BYTES_PER_ELEMENT),
      grpcCounts: c.float64(GRPC_ROWS * GRPC_STATUSES),
    });
  }
  const rings: WorkerRings[] = [];
  for (let i = 0; i < MAX_WORKERS; i++) {
    c.page();
    rings.push({
      decisions: c.ring(DECISION_ROWS, DecisionWord.LENGTH),
      outcomes: c.ring(OUTCOME_ROWS, OutcomeWord.LENGTH),
      work: c.ring(OUTCOME_ROWS, WorkWord.LENGTH),
    });
  }
  const history: HistoryRings[] = [];
  for (let i = 0; i < MAX_WORKERS; i++) {
    c.page();
    history.push({
      requests: c.ring(REQUEST_ROWS, RequestWord.LENGTH),
      details: c.ring(DETAIL_ROWS, DetailWord.LENGTH),
    });
  }
  const traces: TraceRings[] = [];
  for (let i = 0; i < MAX_WORKERS; i++) {
    c.page();
    traces.push({ requests: c.ring(TRACE_ROWS, TraceWord.LENGTH) });
  }
  c.page();
  const explain = carveExplain(c, MAX_WORKERS);
  const classes = carveClasses(c, { pools: MAX_POOLS, servers: MAX_SERVERS, workers: MAX_WORKERS });
  const learning = { learned, learnerCounters, learnerPositions, predictions };
  return {
    header,
    servers,
    pools,
    peers,
    clientConnections,
    ...learning,
    workers,
    rings,
    recorder,
    history,
    tracer,
    traces,
    explain,
    classes,
  };
}

/** Bytes of the shared file. It is sparse: pages of workers and servers that do not exist take no memory. */
export const SHARED_BYTES = (() => {
  const c = new Carver();
  carve(c);
  return c.size;
})();

/**
 * Typed views over `buffer`, which must hold `SHARED_BYTES` bytes. Tests and the simulator pass a plain `ArrayBuffer`.
 */
export function viewSharedMemory(buffer: ArrayBufferLike): SharedMemory {
  if (buffer.byteLength < SHARED_BYTES) {
    throw new RangeError(`the shared memory needs ${SHARED_BYTES} bytes, got ${buffer.byteLength}`);
  }
  return carve(new Carver(buffer));
}
