/**
 * Metrics in the format that is asked for, read and written piece by piece: a fleet of hundreds of servers has some
 * ten thousand samples, and whoever writes them has something else to do in between. So the writer is a generator that
 * may be put aside wherever it yields; `complete` runs one to its end.
 */
import type { Emit, MetricDefinition, MetricGroup } from "./definition.ts";

/** Work that may be put aside at each `yield`. */
export type Work<T> = Generator<void, T, void>;

/** Does all of it at once. */
export function complete<T>(work: Work<T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}

/** How metrics are written down: one description of what it must have for each format that a scraper may ask for. */
export interface ExpositionFormat {
  /** What responses are labelled as. */
  readonly contentType: string;
  /** What stands before a metric's samples. */
  head(metric: MetricDefinition<never>): string;
  /** One sample, as `Emit` got it. */
  sample(metric: MetricDefinition<never>, ...sample: Parameters<Emit>): string;
  /** What stands behind a metric's samples. */
  readonly foot: string;
}

/** Reads all metrics of `groups` from `source`. */
export function* exposition<Source>(
  groups: readonly MetricGroup<Source>[],
  source: Source,
  format: ExpositionFormat,
): Work<Buffer> {
  const pieces: Buffer[] = [];
  for (const { metrics } of groups) {
    for (const definition of metrics) yield* metric(definition, source, format, pieces);
  }
  return Buffer.concat(pieces);
}

function* metric<Source>(
  definition: MetricDefinition<Source>,
  source: Source,
  format: ExpositionFormat,
  pieces: Buffer[],
): Work<void> {
  let text = format.head(definition);
  const flush = (): void => {
    pieces.push(Buffer.from(text));
    text = "";
  };
  const rest = definition.collect(source, (value, labels, suffix) => {
    text += format.sample(definition, value, labels, suffix);
  });
  if (rest !== undefined) {
    for (const _ of rest) {
      flush();
      yield;
    }
  }
  text += format.foot;
  flush();
  yield;
}
