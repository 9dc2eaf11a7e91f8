/** What connections to servers use of that which all parts of a worker share (`ExchangeContext`). */
import type { WorkerBlock } from "../../shared/memory/layout/shared-memory.ts";
import type { ProxyProtocolVersion } from "../../shared/proxy-protocol/writer.ts";
import type { UpstreamTls } from "../../shared/upstream-tls.ts";
import type { HeadLimits, ResponseHead } from "../http1/head.ts";
import type { EndOfTurn } from "../sockets/end-of-turn.ts";
import type { SocketKernel } from "../sockets/socket-kernel.ts";
import type { TimerWheel } from "../sockets/timer-wheel.ts";

/** The settings that connections look at; milliseconds. */
export interface UpstreamSettings extends UpstreamTls {
  readonly connectTimeoutMs: number;
  readonly upstreamIdleTimeoutMs: number;
  readonly upstreamMaxIdle: number;
  /** Servers are told of this proxy in `Via`. */
  readonly upstreamVia: boolean;
  /** Servers are told at the beginning of a connection whose it is; it serves no other client then. */
  readonly upstreamProxyProtocol: "off" | ProxyProtocolVersion;
}

/** Everything but the wheel, the end of the turn, the kernel and what is counted in may be another at the next look. */
export interface UpstreamContext {
  readonly settings: UpstreamSettings;
  readonly limits: HeadLimits;
  /** Where request heads are put together. */
  readonly scratch: Buffer;
  /** Where response heads are parsed to. */
  readonly responseHead: ResponseHead;
  readonly wheel: TimerWheel;
  readonly endOfTurn: EndOfTurn;
  readonly kernel: SocketKernel;
  readonly counters: Float64Array;
  /** What is counted by server. */
  readonly block: Pick<WorkerBlock, "connects" | "handshakes" | "reuses">;
}
