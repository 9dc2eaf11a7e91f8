/** What drills about holding share: trial servers that work on so many requests at once, and what the product says of limits and queues. */
import { type Backend, startBackend } from "../../../src/backend/server.ts";
import { seededRandom } from "../../../src/balancing/random.ts";
import { Product } from "../fixture.ts";

/** What a server works at a request, milliseconds, all of them alike. */
export const WORK_MS = 100;

/** Trial servers with so many workers each. */
export function startWorkers(...workers: readonly number[]): Backend[] {
  return workers.map((concurrency, i) =>
    startBackend({
      port: 0,
      knobs: { latency_ms: WORK_MS, latency_jitter: 0.5, concurrency },
      random: seededRandom(i + 1).next,
      nowMs: () => performance.now(),
    }),
  );
}

interface PoolView {
  readonly queue: { readonly waiting: number; readonly held: number };
}

/** The product with learned limits, whose guardrail has no reason to interfere in so short a time. */
export class HoldingProduct extends Product {
  constructor(settings: Readonly<Record<string, string>>) {
    super({ LB_STRATEGY: "least_connections", CONCURRENCY_LIMITS: "learned", QUEUE_TIMEOUT_MS: "20000", ...settings });
  }

  /** The limit of each server, in the order of their ports in `backends`; null = none is known. */
  async limits(backends: readonly Backend[]): Promise<(number | null)[]> {
    const listed = (await this.servers()) as unknown as readonly { url: string; concurrency_limit: number | null }[];
    return backends.map(({ port }) => listed.find(({ url }) => url.endsWith(`:${port}`))!.concurrency_limit);
  }

  /** Requests that wait now because of learned limits. */
  async held(): Promise<number> {
    const { pools } = (await (await this.admin("/api/v1/pools")).json()) as { pools: readonly PoolView[] };
    return pools.reduce((sum, { queue }) => sum + queue.held, 0);
  }
}
