/**
 * Metrics in the format that is asked for, read and written piece by piece: a fleet of hundreds of servers has some
 * ten thousand samples, and whoever writes them has something else to do in between. So the writer is a generator that
 * may be put aside wherever it yields; `complete` runs one to its end.
 */
import type { MetricGroup } from "./definition.ts";
import type { ExpositionFormat } from "./formats/format.ts";
import { type RefusedSamples, SoundSamples } from "./sound-samples.ts";

/** Work that may be put aside at each `yield`. */
export type Work<T> = Generator<void, T, void>;

/** Does all of it at once. */
export function complete<T>(work: Work<T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}

/**
 * Reads all metrics of `groups` from `source`.
 * @param refused counts samples that are left out: see sound-samples.ts.
 */
export function* exposition<Source>(
  groups: readonly MetricGroup<Source>[],
  source: Source,
  format: ExpositionFormat,
  refused: RefusedSamples = { invalid: 0, duplicate: 0 },
): Work<Buffer> {
  const writer = format.begin();
  const samples = new SoundSamples(writer, refused);
  for (const { metrics } of groups) {
    for (const definition of metrics) {
      samples.begin(definition.type);
      writer.beginFamily(definition);
      const rest = definition.collect(source, samples.emit);
      if (rest !== undefined) {
        for (const _ of rest) {
          writer.pause();
          yield;
        }
      }
      writer.endFamily();
      yield;
    }
  }
  return writer.finish();
}
