/**
 * Metrics in the format that is asked for, read and written piece by piece: a fleet of hundreds of servers has some
 * ten thousand samples, and whoever writes them has something else to do in between. So the writer is a generator that
 * may be put aside wherever it yields; `complete` runs one to its end.
 */
import type { Emit, MetricDefinition, MetricGroup } from "./definition.ts";
import type { ExpositionFormat, ExpositionWriter } from "./formats/format.ts";

/** Work that may be put aside at each `yield`. */
export type Work<T> = Generator<void, T, void>;

/** Does all of it at once. */
export function complete<T>(work: Work<T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}

/** Reads all metrics of `groups` from `source`. */
export function* exposition<Source>(
  groups: readonly MetricGroup<Source>[],
  source: Source,
  format: ExpositionFormat,
): Work<Buffer> {
  const writer = format.begin();
  const emit = emitTo(writer);
  for (const { metrics } of groups) {
    for (const definition of metrics) yield* family(definition, source, emit, writer);
  }
  return writer.finish();
}

function* family<Source>(
  definition: MetricDefinition<Source>,
  source: Source,
  emit: Emit,
  writer: ExpositionWriter,
): Work<void> {
  writer.beginFamily(definition);
  const rest = definition.collect(source, emit);
  if (rest !== undefined) {
    for (const _ of rest) {
      writer.pause();
      yield;
    }
  }
  writer.endFamily();
  yield;
}

function emitTo(writer: ExpositionWriter): Emit {
  const one = (...sample: Parameters<Emit>): void => writer.sample(...sample);
  return Object.assign(one, {
    histogram: (...sample: Parameters<Emit["histogram"]>) => writer.histogram(...sample),
    summary: (...sample: Parameters<Emit["summary"]>) => writer.summary(...sample),
  });
}
