/** A worker without servers: what client connections of every kind need around them. */

import type { ProxySettings } from "../../../../../src/protocol/worker.ts";
import { AdminRelay } from "../../../../../src/proxy/downstream/admin-relay.ts";
import type { DownstreamContext } from "../../../../../src/proxy/downstream/context.ts";
import { HeadMemory } from "../../../../../src/proxy/downstream/http2/head-coding.ts";
import { Http2Session } from "../../../../../src/proxy/downstream/http2/session.ts";
import { PeerCache } from "../../../../../src/proxy/downstream/peer-cache.ts";
import { RequestHead, ResponseHead } from "../../../../../src/proxy/http1/head.ts";
import { IdSource } from "../../../../../src/proxy/rewrite/request-ids.ts";
import { TrustedProxies } from "../../../../../src/proxy/rewrite/trusted-proxies.ts";
import { EndOfTurn } from "../../../../../src/proxy/sockets/end-of-turn.ts";
import { SocketKernel } from "../../../../../src/proxy/sockets/socket-kernel.ts";
import type { Tcp } from "../../../../../src/proxy/sockets/tcp.ts";
import { TimerWheel } from "../../../../../src/proxy/sockets/timer-wheel.ts";
import { GrpcCounts } from "../../../../../src/shared/memory/grpc-table.ts";
import { SHARED_BYTES, viewSharedMemory } from "../../../../../src/shared/memory/layout/shared-memory.ts";
import { TEST_SETTINGS } from "../../../../support/proxy-harness.ts";
import { recordingLogger } from "../../../../support/recording-logger.ts";
import { ServedRequests } from "./served.ts";

const TICK_MS = 5;

/** One worker; `close` it. */
export class ContractWorker {
  readonly requests = new ServedRequests();
  readonly ctx: DownstreamContext;
  readonly #ticking: ReturnType<typeof setInterval>;

  constructor(tcp: Tcp | null, settings: Partial<ProxySettings> = {}) {
    const memory = viewSharedMemory(new ArrayBuffer(SHARED_BYTES));
    const [block] = memory.workers;
    const now = (): number => performance.now();
    const nobody = new TrustedProxies([]);
    const ids = new IdSource(new Uint32Array([1, 2, 3, 4]));
    this.ctx = {
      settings: { ...TEST_SETTINGS, ...settings },
      limits: { maxHeadBytes: TEST_SETTINGS.maxHeaderBytes, maxFields: TEST_SETTINGS.maxHeaderCount },
      trustedProxies: nobody,
      memory,
      block,
      grpcCounts: new GrpcCounts(block),
      counters: block.counters,
      wheel: new TimerWheel(now(), TICK_MS),
      endOfTurn: new EndOfTurn(now, () => {}),
      ids,
      log: recordingLogger().log,
      accessLog: null,
      history: null,
      explain: null,
      tracing: null,
      exemplars: null,
      now,
      epochOffsetMs: 0,
      random: () => 0.5,
      scratch: Buffer.alloc(256 * 1024),
      requestHead: new RequestHead(),
      responseHead: new ResponseHead(),
      leaving: false,
      draining: false,
      challenges: null,
      dateLine: Buffer.from("Date: Mon, 02 Nov 2026 10:00:00 GMT\r\n"),
      kernel: SocketKernel.of(tcp),
      peers: new PeerCache(nobody),
      admin: new AdminRelay(() => Promise.reject(new Error("nobody is there to ask"))),
      exchanges: this.requests,
      http2: new HeadMemory(ids),
      speakHttp2: (_from, socket, entrance, shed, nowMs) => new Http2Session(this.ctx, socket, entrance, shed, nowMs),
      onClientGone: () => {},
    };
    this.requests.ctx = this.ctx;
    this.#ticking = setInterval(() => this.ctx.wheel.advance(now()), TICK_MS);
  }

  close(): void {
    clearInterval(this.#ticking);
  }
}
