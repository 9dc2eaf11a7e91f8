/**
 * Two connections tied together after 101 (Switching Protocols): bytes go both ways as they come, each direction ends on
 * its own (half-close), and a slow receiver pauses the other side.
 */
import { WorkerCounter } from "../shared/layout.ts";
import type { Channel } from "./channel.ts";
import type { ClientConnection } from "./client-connection.ts";
import type { ProxyContext } from "./context.ts";
import { type Failure, Failures } from "./failure.ts";
import { HIGH_WATER_BYTES } from "./request-relay.ts";
import type { UpstreamConnection } from "./upstream/connection.ts";

export class Tunnel {
  readonly #ctx: ProxyContext;
  readonly #client: ClientConnection;
  readonly #server: UpstreamConnection;
  readonly #onEnd: (failure: Failure | null, nowMs: number) => void;
  #clientDone = false;
  #serverDone = false;
  #over = false;
  bytesToClient = 0;

  constructor(
    ctx: ProxyContext,
    client: ClientConnection,
    server: UpstreamConnection,
    onEnd: (failure: Failure | null, nowMs: number) => void,
  ) {
    this.#ctx = ctx;
    this.#client = client;
    this.#server = server;
    this.#onEnd = onEnd;
    ctx.wheel.clear(server);
    ctx.counters[WorkerCounter.TUNNELS_OPEN]++;
    ctx.counters[WorkerCounter.TUNNELS_TOTAL]++;
  }

  fromClient(data: Buffer, nowMs: number): void {
    this.#ctx.counters[WorkerCounter.BYTES_FROM_CLIENTS] += data.length;
    this.#relay(this.#client, this.#server, data, nowMs);
  }

  fromServer(data: Buffer, nowMs: number): void {
    this.bytesToClient += data.length;
    this.#ctx.counters[WorkerCounter.BYTES_TO_CLIENTS] += data.length;
    this.#relay(this.#server, this.#client, data, nowMs);
  }

  serverDrained(nowMs: number): void {
    this.#drained(this.#server, this.#client, this.#clientDone, nowMs);
  }

  clientDrained(nowMs: number): void {
    this.#drained(this.#client, this.#server, this.#serverDone, nowMs);
  }

  clientEnded(nowMs: number): void {
    this.#clientDone = true;
    this.#ended(this.#server, nowMs);
  }

  serverEnded(broken: boolean, nowMs: number): void {
    this.#serverDone = true;
    // A reset is passed on as one: the client must not take it for an orderly end.
    if (broken) this.#finish(Failures.RESPONSE_TRUNCATED, nowMs);
    else this.#ended(this.#client, nowMs);
  }

  clientGone(nowMs: number): void {
    this.#finish(this.#serverDone ? null : Failures.CLIENT_ABORTED, nowMs);
  }

  /** Its time is up: nothing moved for too long, or the worker stops. */
  close(nowMs: number): void {
    this.#finish(null, nowMs);
  }

  #relay(from: Channel, to: Channel, data: Buffer, nowMs: number): void {
    if (this.#over) return;
    this.#ctx.wheel.set(this.#client, nowMs + this.#ctx.settings.tunnelTimeoutMs);
    if (!to.sendAway(data, 0, data.length)) {
      this.#finish(to === this.#client ? Failures.CLIENT_ABORTED : Failures.RESPONSE_TRUNCATED, nowMs);
    } else if (to.queuedBytes > HIGH_WATER_BYTES) from.pauseReading();
  }

  #drained(side: Channel, other: Channel, otherDone: boolean, nowMs: number): void {
    if (this.#over || side.queuedBytes > 0) return;
    if (otherDone) this.#ended(side, nowMs);
    else other.resumeReading();
  }

  /** One side sends nothing more: the other side is told when it has taken everything. */
  #ended(receiver: Channel, nowMs: number): void {
    if (this.#over || receiver.queuedBytes > 0) return;
    receiver.endSending();
    if (this.#clientDone && this.#serverDone && this.#client.queuedBytes + this.#server.queuedBytes === 0) {
      this.#finish(null, nowMs);
    }
  }

  #finish(failure: Failure | null, nowMs: number): void {
    if (this.#over) return;
    this.#over = true;
    this.#ctx.counters[WorkerCounter.TUNNELS_OPEN]--;
    this.#onEnd(failure, nowMs);
  }
}
