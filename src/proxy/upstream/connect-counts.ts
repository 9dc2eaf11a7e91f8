/** What is counted of connecting to one server, whatever is spoken with it then. */
import type { Endpoint } from "../../protocol/endpoint.ts";
import { countBriefDuration } from "../../shared/memory/duration-table.ts";
import { WorkerCounter } from "../../shared/memory/layout/worker-counters.ts";
import type { UpstreamContext } from "./context.ts";

/**
 * Bun can't cancel a connect: one that timed out lives on in the kernel for about two minutes. More than this many of
 * them, and the server is taken to be unreachable without trying.
 */
const MAX_ABANDONED = 128;

/** One server's. */
export class ConnectCounts {
  readonly #ctx: UpstreamContext;
  readonly #endpoint: Endpoint;
  #abandoned = 0;
  /** The slot may be another server's by now: nothing more is counted for it. */
  retired = false;

  constructor(ctx: UpstreamContext, endpoint: Endpoint) {
    this.#ctx = ctx;
    this.#endpoint = endpoint;
  }

  /** So many connects hang that another one is not worth a try. */
  get hopeless(): boolean {
    return this.#abandoned >= MAX_ABANDONED;
  }

  begun(): void {
    this.#ctx.counters[WorkerCounter.UPSTREAM_CONNECTS]++;
  }

  /** A connection that is there serves a request. */
  reused(): void {
    this.#ctx.counters[WorkerCounter.UPSTREAM_REUSES]++;
    if (!this.retired) this.#ctx.block.reuses[this.#endpoint.slot]++;
  }

  /** It was made, in so many milliseconds; of these, TLS took the last `tlsMs`: NaN = there is none. */
  connected(connectMs: number, tlsMs: number): void {
    if (this.retired) return;
    const { block } = this.#ctx;
    const { slot } = this.#endpoint;
    countBriefDuration(block.connects, slot, connectMs / 1000);
    if (!Number.isNaN(tlsMs)) countBriefDuration(block.handshakes, slot, tlsMs / 1000);
  }

  failed(): void {
    this.#ctx.counters[WorkerCounter.UPSTREAM_CONNECT_FAILURES]++;
  }

  /** It was given up while the system goes on trying. */
  abandoned(): void {
    this.#abandoned++;
    this.failed();
  }

  /** And the end of that. */
  abandonedEnded(): void {
    this.#abandoned--;
  }
}
