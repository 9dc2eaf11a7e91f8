/** What drills about holding share: trial servers that work on so many requests at once, and what the product says of limits and queues. */
import { type Backend, startBackend } from "../../../src/backend/server.ts";
import { seededRandom } from "../../../src/balancing/random.ts";
import { type Outcome, Product, request } from "../fixture.ts";

/** What a server works at a request on average, milliseconds. */
const WORK_MS = 100;
/** To learn takes some hundred requests of each server, at a rate at which they have all to do. */
export const LEARNING_MS = 180_000;

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

/** Requests per second that keep so many workers busy for a share of the time. */
export function rateOf(workers: number, share: number): number {
  return (share * workers * 1000) / WORK_MS;
}

interface PoolView {
  readonly queue: { readonly waiting: number; readonly held: number };
}

/** The product with learned limits. */
export class HoldingProduct extends Product {
  constructor(settings: Readonly<Record<string, string>>) {
    super({ CONCURRENCY_LIMITS: "learned", ...settings });
  }

  /** The limits of servers, in their order; null = none is in force. */
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

/** Clients that each send one request after the other. */
export class Crowd {
  readonly outcomes: Outcome[] = [];
  /** When each of them was sent, monotonic clock. */
  readonly sentMs: number[] = [];
  readonly #clients: Promise<void>[];
  #goesOn = true;

  constructor(port: number, clients: number) {
    this.#clients = Array.from({ length: clients }, async () => {
      while (this.#goesOn) {
        const sentMs = performance.now();
        const outcome = await request(port);
        this.outcomes.push(outcome);
        this.sentMs.push(sentMs);
      }
    });
  }

  /** Resolves when all have had their last response. */
  async leave(): Promise<readonly Outcome[]> {
    this.#goesOn = false;
    await Promise.all(this.#clients);
    return this.outcomes;
  }
}
