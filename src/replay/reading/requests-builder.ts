/** Collects single requests in whatever order they are read, within a bound, and gives them as columns in order of arrival. */
import type { RecordingRequests } from "../recording.ts";

/** One request as it is read. */
export interface ReadRequest {
  /** When it arrived, milliseconds since the epoch. */
  readonly atMs: number;
  readonly server: number;
  readonly class: number;
  readonly latencyMs: number;
  readonly waitMs: number;
  readonly failed: boolean;
  /** -1 = not known. */
  readonly inFlight: number;
  /** How many it stands for. */
  readonly weight: number;
}

type Mutable = { -readonly [K in keyof RecordingRequests]: RecordingRequests[K] };

const FIRST_ROOM = 1 << 14;

/**
 * When there are more than `most`, half of them are let go by chance and the others stand for twice as many, again and
 * again: what is left is a uniform sample of all.
 */
export class RequestsBuilder {
  readonly #most: number;
  readonly #random: () => number;
  #columns: Mutable;
  #count = 0;
  /** Of those that come, one in so many is kept. */
  #thinning = 1;

  constructor(most: number, random: () => number) {
    this.#most = most;
    this.#random = random;
    this.#columns = columns(Math.min(most, FIRST_ROOM));
  }

  get count(): number {
    return this.#count;
  }

  /** One in so many was kept, of all that were added; 1 = all are here. */
  get thinning(): number {
    return this.#thinning;
  }

  add(request: ReadRequest): void {
    if (this.#thinning > 1 && this.#random() * this.#thinning >= 1) return;
    if (this.#count === this.#columns.atMs.length) this.#makeRoom();
    // Making room may have thinned: then this one takes its chance, too.
    const into = this.#columns;
    const i = this.#count++;
    into.atMs[i] = request.atMs;
    into.server[i] = request.server;
    into.class[i] = request.class;
    into.latencyMs[i] = request.latencyMs;
    into.waitMs[i] = request.waitMs;
    into.failed[i] = request.failed ? 1 : 0;
    into.inFlight[i] = Math.min(request.inFlight, 0x7fff);
    into.weight[i] = request.weight * this.#thinning;
  }

  /** The columns, in order of arrival, with times from `startMs` on. The builder is empty afterwards. */
  finish(startMs: number): RecordingRequests {
    const count = this.#count;
    const { atMs } = this.#columns;
    const order = new Uint32Array(count);
    for (let i = 0; i < count; i++) order[i] = i;
    order.sort((a, b) => atMs[a] - atMs[b] || a - b);
    const sorted = this.#picked(order);
    for (let i = 0; i < count; i++) sorted.atMs[i] -= startMs;
    this.#columns = columns(0);
    this.#count = 0;
    return sorted;
  }

  #makeRoom(): void {
    const room = this.#columns.atMs.length;
    if (room < this.#most) {
      const larger = columns(Math.min(this.#most, Math.max(1, room * 2)));
      for (const name of NAMES) larger[name].set(this.#columns[name]);
      this.#columns = larger;
      return;
    }
    let kept = 0;
    while (kept === 0 || kept === room) {
      kept = 0;
      const chosen = new Uint32Array(room);
      for (let i = 0; i < room; i++) if (this.#random() < 0.5) chosen[kept++] = i;
      if (kept === 0 || kept === room) continue; // can only be with a handful of rows
      const fewer = this.#picked(chosen.subarray(0, kept));
      for (const name of NAMES) this.#columns[name].set(fewer[name]);
      for (let i = 0; i < kept; i++) this.#columns.weight[i] *= 2;
      this.#count = kept;
      this.#thinning *= 2;
    }
  }

  #picked(order: Uint32Array): Mutable {
    const picked = columns(order.length);
    for (const name of NAMES) {
      const from = this.#columns[name];
      const to = picked[name];
      for (let i = 0; i < order.length; i++) to[i] = from[order[i]];
    }
    return picked;
  }
}

const NAMES = ["atMs", "server", "class", "latencyMs", "waitMs", "failed", "inFlight", "weight"] as const;

function columns(length: number): Mutable {
  return {
    atMs: new Float64Array(length),
    server: new Int16Array(length),
    class: new Int16Array(length),
    latencyMs: new Float32Array(length),
    waitMs: new Float32Array(length),
    failed: new Uint8Array(length),
    inFlight: new Int16Array(length),
    weight: new Float32Array(length),
  };
}
