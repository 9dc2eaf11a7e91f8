/** What a metric is, as the registry and the documentation see it. */

/** Every metric's name begins with this. */
export const METRIC_PREFIX = "neurabalancer_";

/** Names and values of a sample's labels. */
export type Labels = Readonly<Record<string, string | number>>;

/** What a metric counts or measures. */
export type MetricType = "counter" | "gauge" | "histogram" | "summary";

/** One measurement that stands for many: of a request that can be looked up, for its trace is kept. */
export interface Exemplar {
  /** Names and values together have at most 128 characters: what has more is left out. */
  readonly labels: Labels;
  readonly value: number;
  /** Milliseconds since the epoch. */
  readonly timeMs: number;
}

/**
 * Exponential buckets, which a scraper that can take them gets in place of the classic ones: bucket `i` ends at
 * 2^((first + i) / 2^schema), inclusive, and begins where the one before ends. The first also has all that is smaller.
 */
export interface NativeBuckets {
  /** -4 … 8. */
  readonly schema: number;
  readonly first: number;
  /** Not cumulative. */
  readonly counts: ArrayLike<number>;
}

/** The figures of one histogram. Whoever gives it away does not change it before `emit.histogram` has returned, and may then. */
export interface HistogramFigures {
  /** Upper bounds of the classic buckets, rising. */
  readonly bounds: readonly number[];
  /** By bound, not cumulative; one more than there are bounds, for what is beyond the last. */
  readonly counts: ArrayLike<number>;
  readonly sum: number;
  /** By classic bucket, as `counts`; where there is none: null or undefined. */
  readonly exemplars?: ArrayLike<Exemplar | null | undefined>;
  readonly native?: NativeBuckets;
}

/** The figures of one summary. Quantiles may be of the last while; sum and count are of all time, and only ever grow. */
export interface SummaryFigures {
  /** Quantile (0 … 1) and value; none where only sum and count are known. */
  readonly quantiles: readonly (readonly [quantile: number, value: number])[];
  readonly sum: number;
  readonly count: number;
}

/** Adds samples to a metric. Label names are the definition's. */
export interface Emit {
  /** One sample of a counter or a gauge; an exemplar is for counters only. */
  (value: number, labels?: Labels, exemplar?: Exemplar | null): void;
  /** A whole histogram: each format writes it in its own way. */
  histogram(figures: HistogramFigures, labels?: Labels): void;
  /** A whole summary. */
  summary(figures: SummaryFigures, labels?: Labels): void;
}

/** One metric: its description and where its values come from. Nothing is kept between scrapes but in the source. */
export interface MetricDefinition<Source> {
  /** Without the prefix. */
  readonly name: string;
  readonly type: MetricType;
  /** One sentence, with the unit where the name does not say it. */
  readonly help: string;
  readonly labels?: readonly string[];
  /** Its samples have the label `pool`, too, where there are pools or routes: see pool-label.ts. */
  readonly perPool?: boolean;
  /**
   * Reads the values from memory; called once per scrape. With many values it is a generator, which yields every now and
   * then: whoever asks for the values may do something else then.
   */
  readonly collect: (source: Source, emit: Emit) => Iterable<void> | void;
}

/** Metrics that belong together in the documentation. */
export interface MetricGroup<Source> {
  readonly title: string;
  /** A paragraph below the title. */
  readonly doc?: string;
  readonly metrics: readonly MetricDefinition<Source>[];
}
