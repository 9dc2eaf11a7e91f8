/** Durations of requests by route and pool, summed over the workers, with an example of each bucket. */
import { type DurationPair, durationKey, OTHER_ROW } from "../../shared/memory/duration-table.ts";
import { ExemplarReader, type Exemplar as StoredExemplar } from "../../shared/memory/exemplars.ts";
import {
  DURATION_BOUNDS,
  DURATION_BUCKETS,
  DurationWord,
  NATIVE_FIRST,
  NATIVE_SCHEMA,
} from "../../shared/memory/layout/durations.ts";
import { Header, type WorkerBlock } from "../../shared/memory/layout/shared-memory.ts";
import { FIRST_ROUTE_NUMBER, Route } from "../../shared/memory/series-table.ts";
import type { Exemplar, HistogramFigures } from "./definition.ts";
import type { MetricsSource } from "./source.ts";

/** What is read. */
export type DurationSource = Pick<MetricsSource, "memory" | "durationPairs" | "exemplars">;

/** One histogram. */
export interface PairDurations {
  /** `null` = everything that has no row. */
  readonly pair: DurationPair | null;
  readonly figures: HistogramFigures;
}

/** One worker's table. */
interface Table {
  readonly block: WorkerBlock;
  readonly rowOf: ReadonlyMap<number, number>;
  /** Null = traces are not exported. */
  readonly examples: ExemplarReader | null;
}

/**
 * A histogram of each pair that the configuration has, and of what else was counted. One after the other: there may be some
 * time in between.
 */
export function* readDurations({ memory, durationPairs, exemplars }: DurationSource): Iterable<PairDurations> {
  const withExamples = exemplars();
  const tables = memory.workers
    .slice(0, memory.header[Header.WORKER_BLOCKS])
    .map((block) => tableOf(block, withExamples));
  for (const pair of durationPairs()) {
    const key = durationKey(pair);
    const sum = new Sum();
    for (const { block, rowOf, examples } of tables) {
      const row = rowOf.get(key);
      if (row === undefined) continue;
      // Only of a pair that has gone meanwhile is the row another's.
      if (block.durationKeys[row] === key) sum.add(block, row, examples);
    }
    if (sum.count > 0 || isConfigured(pair)) yield { pair, figures: sum.figures };
  }
  const others = new Sum();
  for (const { block, examples } of tables) others.add(block, OTHER_ROW, examples);
  if (others.count > 0) yield { pair: null, figures: others.figures };
}

function tableOf(block: WorkerBlock, withExamples: boolean): Table {
  const rowOf = new Map<number, number>();
  block.durationKeys.forEach((key, row) => {
    if (key !== 0) rowOf.set(key, row);
  });
  return { block, rowOf, examples: withExamples ? new ExemplarReader(block.exemplars) : null };
}

/** A route that somebody has made, and not what a path of ours or no route is. */
function isConfigured({ route }: DurationPair): boolean {
  return route === Route.PROXY || route >= FIRST_ROUTE_NUMBER;
}

/** One histogram over all workers. */
class Sum {
  readonly #words = new Float64Array(DurationWord.FAILED);
  readonly #examples: (StoredExemplar | null)[] = new Array(DURATION_BUCKETS).fill(null);

  add({ durations }: WorkerBlock, row: number, examples: ExemplarReader | null): void {
    const from = row * DurationWord.LENGTH;
    for (let i = 0; i < DurationWord.FAILED; i++) this.#words[i] += durations[from + i];
    if (examples === null) return;
    for (let bucket = 0; bucket < DURATION_BUCKETS; bucket++) {
      const other = examples.read(row, bucket);
      const known = this.#examples[bucket];
      if (other !== null && (known === null || other.timeMs > known.timeMs)) this.#examples[bucket] = other;
    }
  }

  get count(): number {
    return this.#words.subarray(DurationWord.BUCKETS, DurationWord.NATIVE).reduce((a, b) => a + b, 0);
  }

  get figures(): HistogramFigures {
    const words = this.#words;
    return {
      bounds: DURATION_BOUNDS,
      counts: words.subarray(DurationWord.BUCKETS, DurationWord.NATIVE),
      sum: words[DurationWord.SUM_SECONDS],
      exemplars: this.#examples.map(shown),
      native: {
        schema: NATIVE_SCHEMA,
        first: NATIVE_FIRST,
        counts: words.subarray(DurationWord.NATIVE, DurationWord.FAILED),
      },
    };
  }
}

function shown(example: StoredExemplar | null): Exemplar | null {
  return example && { labels: { trace_id: example.traceId }, value: example.value, timeMs: example.timeMs };
}
