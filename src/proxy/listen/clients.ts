/** The clients of a worker: who may come in, and who is there. */
import type { SharedMemory, WorkerBlock } from "../../shared/memory/layout/shared-memory.ts";
import { WorkerCounter } from "../../shared/memory/layout/worker-counters.ts";
import type { ClientConnection } from "../downstream/client-connection.ts";
import type { DownstreamContext } from "../downstream/context.ts";
import type { Entrance } from "../downstream/entrance.ts";
import { Http1ClientConnection } from "../downstream/http1/connection.ts";
import { Http2Session } from "../downstream/http2/session.ts";
import type { RawSocket } from "../sockets/raw-socket.ts";
import { Admission, ConnectionLimits } from "./connection-limits.ts";

export class Clients {
  readonly #ctx: DownstreamContext;
  readonly #limits: ConnectionLimits;
  /** With the place where each one's address is counted: see `ConnectionLimits`. */
  readonly #open = new Map<ClientConnection, number>();

  constructor(ctx: DownstreamContext, memory: SharedMemory, block: WorkerBlock) {
    this.#ctx = ctx;
    this.#limits = new ConnectionLimits(memory, block);
  }

  get count(): number {
    return this.#open.size;
  }

  /** Takes a fresh socket: a connection that is served, or null when it was refused. */
  accept(socket: RawSocket, entrance: Entrance, nowMs: number): ClientConnection | null {
    const { counters, settings, trustedProxies } = this.#ctx;
    const limited = settings.maxConnections > 0 || settings.maxConnectionsPerClient > 0;
    let bucket = -1;
    let shed = false;
    if (limited) {
      bucket = this.#limits.enter(settings, socket.remoteAddress, trustedProxies);
      const admission = this.#limits.admit(settings, bucket);
      shed = admission === Admission.SHED;
      if (admission !== Admission.SERVE) counters[WorkerCounter.CONNECTIONS_REJECTED]++;
      if (admission === Admission.RESET) {
        this.#limits.leave(bucket);
        socket.terminate();
        return null;
      }
    }
    counters[WorkerCounter.CONNECTIONS_ACCEPTED]++;
    counters[WorkerCounter.CONNECTIONS_OPEN]++;
    const client = new Http1ClientConnection(this.#ctx, socket, entrance, shed, nowMs);
    this.#open.set(client, bucket);
    return client;
  }

  /** A client that came in as one of HTTP/1 speaks HTTP/2: see `DownstreamContext.speakHttp2`. */
  readonly speakHttp2: DownstreamContext["speakHttp2"] = (from, socket, entrance, shed, nowMs) => {
    const bucket = this.#open.get(from) ?? -1;
    this.#open.delete(from);
    const session = new Http2Session(this.#ctx, socket, entrance, shed, nowMs);
    this.#open.set(session, bucket);
    return session;
  };

  /** Its connection has ended. */
  leave(client: ClientConnection): void {
    const bucket = this.#open.get(client);
    if (bucket === undefined) return;
    this.#open.delete(client);
    this.#ctx.counters[WorkerCounter.CONNECTIONS_OPEN]--;
    this.#limits.leave(bucket);
  }

  /** Readiness has failed. */
  askToLeave(nowMs: number): void {
    for (const client of [...this.#open.keys()]) client.askToLeave?.(nowMs);
  }

  /** The worker is finishing. */
  drain(nowMs: number): void {
    for (const client of [...this.#open.keys()]) client.drain(nowMs);
  }

  /** Asks the system who has gone: the runtime's sockets report no end while they are paused. */
  lookForEnds(nowMs: number): void {
    for (const client of this.#open.keys()) client.lookForEnd(nowMs);
  }
}
