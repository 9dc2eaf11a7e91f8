/** What everything in a worker shares that serves its clients. */

import type { ProxySettings } from "../protocol/worker.ts";
import type { ExemplarWriter } from "../shared/memory/exemplars.ts";
import type { GrpcCounts } from "../shared/memory/grpc-table.ts";
import type { SharedMemory, WorkerBlock } from "../shared/memory/layout/shared-memory.ts";
import type { Logger } from "../telemetry/log/logger.ts";
import type { HeadLimits, RequestHead, ResponseHead } from "./http1/head.ts";
import type { PendingResponses } from "./local/challenges.ts";
import type { AccessLog } from "./record/access-log/access-log.ts";
import type { ExplainWriter } from "./record/explain/explain-writer.ts";
import type { HistoryWriter } from "./record/history-writer.ts";
import type { Sampler } from "./record/trace/sampler.ts";
import type { TraceWriter } from "./record/trace/trace-writer.ts";
import type { IdSource } from "./rewrite/request-ids.ts";
import type { TrustedProxies } from "./rewrite/trusted-proxies.ts";
import type { EndOfTurn } from "./sockets/end-of-turn.ts";
import type { SocketKernel } from "./sockets/socket-kernel.ts";
import type { TimerWheel } from "./sockets/timer-wheel.ts";

/** Which requests are traced, and where they are taken down. */
export interface Tracing {
  readonly sampler: Sampler;
  readonly writer: TraceWriter;
  /** `traceparent` and `tracestate` are read and written; else they pass as any other field. */
  readonly propagates: boolean;
}

/** One worker's. What is not `readonly` changes at a reload or with every event. */
export interface WorkerContext {
  settings: ProxySettings;
  limits: HeadLimits;
  trustedProxies: TrustedProxies;
  readonly memory: SharedMemory;
  readonly block: WorkerBlock;
  readonly counters: Float64Array;
  readonly grpcCounts: GrpcCounts;
  readonly wheel: TimerWheel;
  readonly endOfTurn: EndOfTurn;
  readonly ids: IdSource;
  readonly log: Logger;
  accessLog: AccessLog | null;
  /** Tells the recorder; null = history is not kept. */
  history: HistoryWriter | null;
  /** Keeps why requests went where they went; null = nobody does. */
  explain: ExplainWriter | null;
  /** How requests are traced; null = nothing is exported. */
  tracing: Tracing | null;
  /** Examples of traced requests beside the buckets of durations; null = traces are not exported. */
  exemplars: ExemplarWriter | null;
  /** Monotonic clock, milliseconds. Read once per event and handed down. */
  readonly now: () => number;
  /** Added to the monotonic clock it gives milliseconds since the epoch. Follows the wall clock when that is set. */
  epochOffsetMs: number;
  readonly random: () => number;
  /** Where heads are put together; its content lasts until the next write. */
  scratch: Buffer;
  /** The parsers' results; their content lasts until the next parse. */
  requestHead: RequestHead;
  responseHead: ResponseHead;
  /** Readiness has failed, or the worker is finishing: connections are closed after their present response. */
  leaving: boolean;
  /** The worker is finishing: nobody comes any more. */
  draining: boolean;
  /** What CAs are answered now; null = nothing, as nearly always. */
  challenges: PendingResponses | null;
  /** `Date: …\r\n` of the present second. */
  dateLine: Buffer;
  /** What is asked of the system about any socket. */
  readonly kernel: SocketKernel;
}
