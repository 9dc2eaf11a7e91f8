/** What all connections of one worker share. The composition root of the worker (worker.ts) fills it. */
import type { SharedMemory, WorkerBlock } from "../shared/layout.ts";
import type { ProxySettings } from "../shared/protocol.ts";
import type { Logger } from "../telemetry/log/logger.ts";
import type { AdminRelay } from "./downstream/admin-relay.ts";
import type { ClientConnection } from "./downstream/client-connection.ts";
import type { PeerCache } from "./downstream/peer-cache.ts";
import type { Exchange } from "./exchange/exchange.ts";
import type { HedgeTimer } from "./exchange/hedge-timer.ts";
import type { ProxiedRequest } from "./exchange/request.ts";
import type { RetryBudget } from "./exchange/retry-budget.ts";
import type { HeadLimits, RequestHead, ResponseHead } from "./http1/head.ts";
import type { OutcomeConsumers } from "./outcome.ts";
import type { Picker } from "./pick/picker.ts";
import type { StickyKey } from "./pick/sticky-key.ts";
import type { WaitQueue } from "./pick/wait-queue.ts";
import type { AccessLog } from "./record/access-log.ts";
import type { IdSource } from "./rewrite/request-ids.ts";
import type { TrustedProxies } from "./rewrite/trusted-proxies.ts";
import type { SocketKernel } from "./sockets/socket-kernel.ts";
import type { TimerWheel } from "./sockets/timer-wheel.ts";
import type { UpstreamPool } from "./upstream/pool.ts";

/** One worker's shared parts. What is not `readonly` changes at a reload or with every event. */
export interface ProxyContext {
  settings: ProxySettings;
  limits: HeadLimits;
  trustedProxies: TrustedProxies;
  peers: PeerCache;
  stickyKey: StickyKey;
  retryBudget: RetryBudget;
  hedgeBudget: RetryBudget;
  readonly hedgeTimer: HedgeTimer;
  readonly memory: SharedMemory;
  readonly block: WorkerBlock;
  readonly counters: Float64Array;
  readonly picker: Picker;
  /** Who is told how attempts go. */
  outcomes: OutcomeConsumers;
  /** Pools by slot. */
  readonly pools: (UpstreamPool | undefined)[];
  readonly queue: WaitQueue;
  readonly wheel: TimerWheel;
  readonly ids: IdSource;
  readonly log: Logger;
  accessLog: AccessLog | null;
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
  /** The request whose head is in `requestHead`, so that another one knows to parse again. */
  requestHeadOwner: ProxiedRequest | null;
  /** The worker is finishing: connections are closed after their present answer. */
  draining: boolean;
  /** `Date: …\r\n` of the present second. */
  dateLine: Buffer;
  /** Asks the control process, for the paths that it answers. */
  readonly admin: AdminRelay;
  /** Idle exchanges, to be used again. */
  readonly freeExchanges: Exchange[];
  /** What is asked of the system about any socket. */
  readonly kernel: SocketKernel;
  /** A connection of a client ended. */
  readonly onClientGone: (client: ClientConnection) => void;
}
