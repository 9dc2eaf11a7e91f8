/** The requests of a replay: those of the recording, and, where these are a sample, the rest drawn by what is known of it. */
import type { FittedTraffic } from "../fleet.ts";
import type { Recording } from "../recording.ts";

const SECOND_MS = 1000;

/**
 * @param work of each request of the recording; NaN = not known: it is drawn from its class.
 * @returns also, by class, the works that were seen, each as often as it stands for.
 */
export function completeTraffic(
  recording: Recording,
  work: Float64Array,
  random: () => number,
): { traffic: FittedTraffic; works: Float64Array[] } {
  const { requests, classes, arrivals } = recording;
  const works = classes.map(() => new Pool());
  const all = new Pool();
  for (let i = 0; i < work.length; i++) {
    if (!(work[i] > 0)) continue;
    works[requests.class[i]].add(work[i], requests.weight[i]);
    all.add(work[i], requests.weight[i]);
  }
  const draw = (kind: number): number => (works[kind].size > 0 ? works[kind] : all).draw(random);
  const rows: { atMs: number; kind: number; work: number; delayMs: number; server: number }[] = [];
  for (let i = 0; i < work.length; i++) {
    const kind = requests.class[i];
    const known = work[i] > 0;
    rows.push({
      atMs: requests.atMs[i],
      kind,
      work: known ? work[i] : draw(kind),
      delayMs: requests.waitMs[i],
      server: requests.server[i],
    });
  }
  if (arrivals !== null) {
    const seconds = arrivals.length / classes.length;
    const seen = new Float64Array(arrivals.length);
    for (let i = 0; i < work.length; i++) {
      const second = Math.min(seconds - 1, Math.floor(requests.atMs[i] / SECOND_MS));
      seen[second * classes.length + requests.class[i]]++;
    }
    // Those that are missing are like those that were kept by chance: what is kept for its slowness stands for itself.
    const rest = classes.map(() => new Pool());
    for (let i = 0; i < work.length; i++) {
      const others = requests.weight[i] - 1;
      if (work[i] > 0 && others > 0) rest[requests.class[i]].add(work[i], others);
    }
    const places = new Places(recording, seconds);
    for (let second = 0; second < seconds; second++) {
      for (let kind = 0; kind < classes.length; kind++) {
        const at = second * classes.length + kind;
        const missing = Math.ceil(arrivals[at] - seen[at]);
        for (let k = 0; k < missing; k++) {
          const from = rest[kind].size > 0 ? rest[kind] : works[kind].size > 0 ? works[kind] : all;
          const server = places.at(second, kind, (k + 0.5) / missing);
          rows.push({ atMs: (second + random()) * SECOND_MS, kind, work: from.draw(random), delayMs: 0, server });
        }
      }
    }
    rows.sort((a, b) => a.atMs - b.atMs);
  }
  return {
    traffic: {
      atMs: Float64Array.from(rows, ({ atMs }) => atMs),
      class: Int16Array.from(rows, ({ kind }) => kind),
      work: Float64Array.from(rows, ({ work: of }) => of),
      delayMs: Float32Array.from(rows, ({ delayMs }) => delayMs),
      server: Int16Array.from(rows, ({ server }) => server),
    },
    works: works.map((pool) => (pool.size > 0 ? pool : all).expand()),
  };
}

/** Where those went that were not kept: in the shares of those of their second and class that stand for them. */
class Places {
  readonly #classes: number;
  readonly #bySecond = new Map<number, Pool>();
  readonly #byClass: readonly Pool[];

  constructor({ requests, classes }: Recording, seconds: number) {
    this.#classes = classes.length;
    this.#byClass = classes.map(() => new Pool());
    for (let i = 0; i < requests.atMs.length; i++) {
      const others = requests.weight[i] - 1;
      if (others <= 0) continue;
      const kind = requests.class[i];
      const second = Math.min(seconds - 1, Math.floor(requests.atMs[i] / SECOND_MS));
      const key = second * this.#classes + kind;
      let pool = this.#bySecond.get(key);
      if (pool === undefined) {
        pool = new Pool();
        this.#bySecond.set(key, pool);
      }
      pool.add(requests.server[i], others);
      this.#byClass[kind].add(requests.server[i], others);
    }
  }

  /** @param share of the missing ones, 0 … 1, that come before this one. @returns -1 = nobody knows. */
  at(second: number, kind: number, share: number): number {
    const pool = this.#bySecond.get(second * this.#classes + kind) ?? this.#byClass[kind];
    return pool.size === 0 ? -1 : pool.at(share);
  }
}

/** Values with weights, to draw from. */
class Pool {
  readonly #values: number[] = [];
  /** Running sums of the weights. */
  readonly #sums: number[] = [];

  get size(): number {
    return this.#values.length;
  }

  add(value: number, weight: number): void {
    this.#values.push(value);
    this.#sums.push((this.#sums.at(-1) ?? 0) + weight);
  }

  /** 1 where there is nothing to draw from. */
  draw(random: () => number): number {
    return this.at(random());
  }

  /** Evenly spaced draws, one for each value. */
  expand(): Float64Array {
    return Float64Array.from({ length: this.size }, (_, i) => this.at((i + 0.5) / this.size));
  }

  /** The value at that share of the weights. */
  at(share: number): number {
    if (this.size === 0) return 1;
    const wanted = share * this.#sums.at(-1)!;
    let low = 0;
    let high = this.size - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#sums[middle] > wanted) high = middle;
      else low = middle + 1;
    }
    return this.#values[low];
  }
}
