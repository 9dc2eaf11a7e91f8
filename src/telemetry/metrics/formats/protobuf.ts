/**
 * The protobuf format: messages `io.prometheus.client.MetricFamily`, each with its length before it (prometheus/client_model,
 * io/prometheus/client/metrics.proto, whose numbers of fields are below). The only one that has native histograms.
 */
import { ProtobufWriter } from "../../../shared/protobuf/writer.ts";
import {
  type Exemplar,
  type HistogramFigures,
  type Labels,
  METRIC_PREFIX,
  type MetricType,
  type NativeBuckets,
  type SummaryFigures,
} from "../definition.ts";
import type { ExpositionFormat, ExpositionWriter, Family, SampleLabels } from "./format.ts";

const MetricFamily = { NAME: 1, HELP: 2, TYPE: 3, METRIC: 4 } as const;
const Types: Readonly<Record<MetricType, number>> = { counter: 0, gauge: 1, summary: 2, histogram: 4 };
const Metric = { LABEL: 1, GAUGE: 2, COUNTER: 3, SUMMARY: 4, HISTOGRAM: 7 } as const;
const LabelPair = { NAME: 1, VALUE: 2 } as const;
const Gauge = { VALUE: 1 } as const;
const Counter = { VALUE: 1, EXEMPLAR: 2 } as const;
const Summary = { SAMPLE_COUNT: 1, SAMPLE_SUM: 2, QUANTILE: 3 } as const;
const Quantile = { QUANTILE: 1, VALUE: 2 } as const;
const Histogram = {
  SAMPLE_COUNT: 1,
  SAMPLE_SUM: 2,
  BUCKET: 3,
  SCHEMA: 5,
  ZERO_THRESHOLD: 6,
  ZERO_COUNT: 7,
  POSITIVE_SPAN: 12,
  POSITIVE_DELTA: 13,
} as const;
const Bucket = { CUMULATIVE_COUNT: 1, UPPER_BOUND: 2, EXEMPLAR: 3 } as const;
const BucketSpan = { OFFSET: 1, LENGTH: 2 } as const;
const ExemplarField = { LABEL: 1, VALUE: 2, TIMESTAMP: 3 } as const;
const Timestamp = { SECONDS: 1, NANOS: 2 } as const;

/** A gap of so many empty native buckets or fewer is written rather than skipped: a span takes more bytes than they do. */
const SHORT_GAP = 3;

/** For whoever asks for it: Prometheus does where it takes native histograms. */
export const PROTOBUF: ExpositionFormat = {
  begin: () => new FamilyWriter(),
};

class FamilyWriter implements ExpositionWriter {
  readonly #out = new ProtobufWriter();
  readonly #pieces: Buffer[] = [];
  #type: MetricType = "gauge";
  #samples = 0;

  beginFamily({ name, type, help }: Family): void {
    this.#type = type;
    this.#samples = 0;
    const out = this.#out;
    out.begin();
    out.string(MetricFamily.NAME, METRIC_PREFIX + name);
    out.string(MetricFamily.HELP, help);
    out.uint(MetricFamily.TYPE, Types[type]);
  }

  sample(value: number, { labels }: SampleLabels, exemplar: Exemplar | null): void {
    const out = this.#out;
    this.#beginMetric(labels);
    if (this.#type === "counter") {
      out.begin(Metric.COUNTER);
      out.double(Counter.VALUE, value);
      if (exemplar !== null) this.#exemplar(Counter.EXEMPLAR, exemplar);
    } else {
      out.begin(Metric.GAUGE);
      out.double(Gauge.VALUE, value);
    }
    out.end();
    out.end();
  }

  histogram(figures: HistogramFigures, { labels }: SampleLabels): void {
    const { bounds, counts, sum, exemplars, native } = figures;
    const out = this.#out;
    // The workers go on counting while one kind of bucket is read after the other. One message can only say one count, and no
    // bucket may have more.
    const count = totalOf(native === undefined ? counts : native.counts);
    this.#beginMetric(labels);
    out.begin(Metric.HISTOGRAM);
    out.uint(Histogram.SAMPLE_COUNT, count);
    out.double(Histogram.SAMPLE_SUM, sum);
    let cumulative = 0;
    for (let i = 0; i <= bounds.length; i++) {
      cumulative += counts[i];
      out.begin(Histogram.BUCKET);
      out.uint(Bucket.CUMULATIVE_COUNT, i < bounds.length ? Math.min(cumulative, count) : count);
      out.double(Bucket.UPPER_BOUND, i < bounds.length ? bounds[i] : Number.POSITIVE_INFINITY);
      const exemplar = exemplars?.[i];
      if (exemplar != null) this.#exemplar(Bucket.EXEMPLAR, exemplar);
      out.end();
    }
    if (native !== undefined) this.#native(native);
    out.end();
    out.end();
  }

  summary({ quantiles, sum, count }: SummaryFigures, { labels }: SampleLabels): void {
    const out = this.#out;
    this.#beginMetric(labels);
    out.begin(Metric.SUMMARY);
    out.uint(Summary.SAMPLE_COUNT, count);
    out.double(Summary.SAMPLE_SUM, sum);
    for (const [quantile, value] of quantiles) {
      out.begin(Summary.QUANTILE);
      out.double(Quantile.QUANTILE, quantile);
      out.double(Quantile.VALUE, value);
      out.end();
    }
    out.end();
    out.end();
  }

  pause(): void {
    // It has made bytes already.
  }

  endFamily(): void {
    this.#out.end();
    const family = this.#out.take();
    if (this.#samples > 0) this.#pieces.push(family); // readers may reject a family that has none
  }

  finish(): Buffer {
    return Buffer.concat(this.#pieces);
  }

  #beginMetric(labels: Labels | undefined): void {
    this.#samples++;
    this.#out.begin(MetricFamily.METRIC);
    this.#labels(Metric.LABEL, labels);
  }

  #labels(field: number, labels: Labels | undefined): void {
    const out = this.#out;
    for (const name in labels) {
      out.begin(field);
      out.string(LabelPair.NAME, name);
      out.string(LabelPair.VALUE, String(labels[name]));
      out.end();
    }
  }

  #exemplar(field: number, { labels, value, timeMs }: Exemplar): void {
    const out = this.#out;
    out.begin(field);
    this.#labels(ExemplarField.LABEL, labels);
    out.double(ExemplarField.VALUE, value);
    out.begin(ExemplarField.TIMESTAMP);
    const seconds = Math.floor(timeMs / 1000);
    out.uint(Timestamp.SECONDS, seconds);
    out.uint(Timestamp.NANOS, Math.min(999_999_999, Math.round((timeMs - seconds * 1000) * 1e6)));
    out.end();
    out.end();
  }

  /**
   * The first bucket also has all that is smaller than itself, down to zero: that is what the format calls the zero bucket,
   * with the bound of ours as its threshold.
   */
  #native({ schema, first, counts }: NativeBuckets): void {
    const out = this.#out;
    out.sint(Histogram.SCHEMA, schema);
    out.double(Histogram.ZERO_THRESHOLD, 2 ** (first / 2 ** schema));
    out.uint(Histogram.ZERO_COUNT, counts[0]);
    const spans = spansOf(counts);
    let end = 0;
    for (const { from, to } of spans) {
      out.begin(Histogram.POSITIVE_SPAN);
      out.sint(BucketSpan.OFFSET, end === 0 ? first + from : from - end);
      out.uint(BucketSpan.LENGTH, to - from);
      out.end();
      end = to;
    }
    let before = 0;
    for (const { from, to } of spans) {
      for (let i = from; i < to; i++) {
        out.sint(Histogram.POSITIVE_DELTA, counts[i] - before);
        before = counts[i];
      }
    }
  }
}

/** Where the buckets are that have anything, but for the first of all; `to` is exclusive. */
function spansOf(counts: ArrayLike<number>): { from: number; to: number }[] {
  const spans: { from: number; to: number }[] = [];
  for (let i = 1; i < counts.length; i++) {
    if (counts[i] === 0) continue;
    const last = spans.at(-1);
    if (last !== undefined && i - last.to <= SHORT_GAP) last.to = i + 1;
    else spans.push({ from: i, to: i + 1 });
  }
  return spans;
}

function totalOf(counts: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < counts.length; i++) total += counts[i];
  return total;
}
