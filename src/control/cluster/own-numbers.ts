/** What this instance tells the others of its servers: what its own workers have in flight, and its own view of each server's health. */
import type { OwnServers } from "../../cluster/exchange/exchange.ts";
import { clearFigures, emptyFigures } from "../../cluster/exchange/figures.ts";
import { serverHash } from "../../cluster/exchange/layout.ts";
import { Header, MAX_SERVERS, type SharedMemory, type WorkerBlock } from "../../shared/memory/layout/shared-memory.ts";
import type { ToldServer } from "../fleet/fleets.ts";

/** The most requests at a server that are told: more would not be believed. */
const MOST_IN_FLIGHT = 1_000_000;

/** What it is made from. */
export interface OwnNumbersOptions {
  readonly memory: SharedMemory;
  readonly servers: () => Iterable<ToldServer>;
  /** Which of these are shared: what is in flight, and what is thought of health. */
  readonly inFlight: boolean;
  readonly health: boolean;
}

/** One instance's. */
export class OwnNumbers {
  readonly #options: OwnNumbersOptions;
  readonly #figures = emptyFigures(MAX_SERVERS);
  /** By the id of a server, which no other ever has. */
  #hashes = new Map<number, string>();
  /** By slot, of whom the map is. */
  readonly #ids = new Int32Array(MAX_SERVERS);
  #slotOf: ReadonlyMap<string, number> = new Map();

  constructor(options: OwnNumbersOptions) {
    this.#options = options;
  }

  /** As it is now; the same object's figures, filled anew. */
  read(): OwnServers {
    const { memory, servers, inFlight, health } = this.#options;
    if (!inFlight && !health) return { slotOf: this.#slotOf, figures: this.#figures };
    const { header, workers } = memory;
    const blocks = workers.slice(0, header[Header.WORKER_BLOCKS]);
    const told = [...servers()];
    if (!this.#isKnown(told)) this.#learn(told);
    const figures = this.#figures;
    clearFigures(figures);
    for (const { slot, ownVerdict } of told) {
      if (health) {
        figures.known[slot] = 1;
        figures.down[slot] = ownVerdict === "down" ? 1 : 0;
        figures.ejected[slot] = ownVerdict === "ejected" ? 1 : 0;
      }
      if (inFlight) {
        figures.inFlight[slot] = sumOf(blocks, slot, ({ ownInFlight }) => ownInFlight);
        figures.workInFlight[slot] = sumOf(blocks, slot, ({ ownWorkInFlight }) => ownWorkInFlight);
        figures.transferring[slot] = sumOf(blocks, slot, ({ ownTransferring }) => ownTransferring);
      }
    }
    return { slotOf: this.#slotOf, figures };
  }

  #isKnown(told: readonly ToldServer[]): boolean {
    return told.length === this.#hashes.size && told.every(({ id, slot }) => this.#ids[slot] === id);
  }

  #learn(told: readonly ToldServer[]): void {
    const before = this.#hashes;
    this.#hashes = new Map();
    this.#ids.fill(0);
    const slotOf = new Map<string, number>();
    for (const { id, slot, pool, server } of told) {
      const hash = before.get(id) ?? serverHash(pool, server.url, server.address);
      this.#hashes.set(id, hash);
      this.#ids[slot] = id;
      if (!slotOf.has(hash)) slotOf.set(hash, slot); // of two that are called the same the first is told
    }
    this.#slotOf = slotOf;
  }
}

/** Over all workers; never below 0, as it may look between two writes of a worker. */
function sumOf(blocks: readonly WorkerBlock[], slot: number, shareOf: (block: WorkerBlock) => Int32Array): number {
  let sum = 0;
  for (const block of blocks) sum += Atomics.load(shareOf(block), slot);
  return Math.max(0, Math.min(MOST_IN_FLIGHT, sum));
}
