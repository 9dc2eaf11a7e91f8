/**
 * Puts what the others have in flight into the totals that workers balance by, in every round. What was told is some hundred
 * milliseconds old, as long as many requests take: to follow such numbers as they are is how instances make herds, so they count
 * as `PeerLoad` says.
 */
import { PeerLoad } from "../../balancing/estimators/peer-load.ts";
import { emptyFigures } from "../../cluster/exchange/figures.ts";
import type { ClusterRider, ClusterRound, PeerNumbers } from "../../cluster/exchange/round.ts";
import { WORK_UNIT } from "../../shared/memory/layout/classes.ts";
import { PeerFigure } from "../../shared/memory/layout/peers.ts";
import { MAX_POOLS, MAX_SERVERS, ServerState, type SharedMemory } from "../../shared/memory/layout/shared-memory.ts";
import { forgetPeers, setPeers } from "../../shared/memory/peers.ts";
import { ResponseTimes } from "./response-times.ts";

/** How old numbers are while they count, on average: they were told up to a round before, and count for a round. */
const TOLD_MS = 100;

/** What it is made from. */
export interface PeersInTableOptions {
  readonly memory: SharedMemory;
  /** The boot clock, milliseconds. */
  readonly bootMs: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** One instance's. Made before there are workers, which look then whether others' requests are among the totals. */
export class PeersInTable implements ClusterRider {
  readonly #options: PeersInTableOptions;
  readonly #load: PeerLoad;
  readonly #times: ResponseTimes;
  readonly #counted = emptyFigures(MAX_SERVERS);
  /** Slots that may get requests, by row of their pool. */
  readonly #slots = Array.from({ length: MAX_POOLS }, () => new Set<number>());
  readonly #candidates = new Int32Array(MAX_SERVERS);

  constructor(options: PeersInTableOptions) {
    const { memory, random } = options;
    this.#options = options;
    this.#load = new PeerLoad(MAX_SERVERS, random);
    this.#times = new ResponseTimes(memory);
    memory.peers.figures[PeerFigure.SHARED] = 1;
  }

  heard({ numbers }: ClusterRound): void {
    const { memory, bootMs } = this.#options;
    const nowMs = bootMs();
    this.#times.look();
    this.#sort();
    const counted = this.#counted;
    for (const column of [counted.inFlight, counted.workInFlight, counted.transferring]) column.fill(0);
    for (const [pool, slots] of this.#slots.entries()) if (slots.size > 0) this.#settle(pool, slots, numbers, nowMs);
    setPeers(memory, counted, numbers.heardMs);
  }

  lost(): void {
    forgetPeers(this.#options.memory);
  }

  /** Which servers may get requests: where none may, their numbers are of no use to anybody. */
  #sort(): void {
    const { id, pool, state } = this.#options.memory.servers;
    for (const slots of this.#slots) slots.clear();
    for (let slot = 0; slot < MAX_SERVERS; slot++) {
      if (id[slot] !== 0 && state[slot] === ServerState.UP) this.#slots[pool[slot]].add(slot);
    }
  }

  #settle(pool: number, slots: ReadonlySet<number>, numbers: PeerNumbers, nowMs: number): void {
    const { id, effectiveWeight } = this.#options.memory.servers;
    const counted = this.#counted;
    let count = 0;
    for (const slot of slots) this.#candidates[count++] = slot;
    const servers = { slots: this.#candidates, count, id, effectiveWeight };
    const ageMs = nowMs - numbers.heardMs + TOLD_MS;
    this.#load.settle(numbers, servers, { ageMs, responseMs: this.#times.meanMs(pool), nowMs }, counted);
    for (const slot of slots) counted.workInFlight[slot] = workOf(numbers, slot, counted.inFlight[slot]);
  }
}

/** What so many requests of the others cost: as those cost that they told of, a mean request where they told of no cost. */
function workOf({ inFlight, workInFlight }: PeerNumbers, slot: number, requests: number): number {
  const isTold = inFlight[slot] > 0 && workInFlight[slot] > 0;
  return Math.round(requests * (isTold ? workInFlight[slot] / inFlight[slot] : WORK_UNIT));
}
