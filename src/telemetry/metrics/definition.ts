/** What a metric is, as the registry and the documentation see it. */

/** Every metric's name begins with this. */
export const METRIC_PREFIX = "neurabalancer_";

/** Names and values of a sample's labels. */
export type Labels = Readonly<Record<string, string | number>>;

/** Adds one sample. Label names are the definition's; `suffix` is for histograms: see `emitHistogram`. */
export type Emit = (value: number, labels?: Labels, suffix?: "_bucket" | "_sum" | "_count") => void;

/** One metric: its description and where its values come from. Nothing is kept between scrapes but in the source. */
export interface MetricDefinition<Source> {
  /** Without the prefix. */
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
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
