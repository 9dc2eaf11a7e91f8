/**
 * Metrics in the Prometheus text format 0.0.4, read and written piece by piece: a fleet of hundreds of servers has some
 * ten thousand samples, and whoever writes them has something else to do in between. So the writer is a generator that
 * may be put aside wherever it yields; `complete` runs one to its end.
 */
import { METRIC_PREFIX, type MetricDefinition, type MetricGroup } from "./definition.ts";

/** What answers with an exposition are labelled as. */
export const EXPOSITION_TYPE = "text/plain; version=0.0.4; charset=utf-8";

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
export function* exposition<Source>(groups: readonly MetricGroup<Source>[], source: Source): Work<Buffer> {
  const pieces: Buffer[] = [];
  for (const { metrics } of groups) {
    for (const definition of metrics) yield* metric(definition, source, pieces);
  }
  return Buffer.concat(pieces);
}

function* metric<Source>(
  { name, help, type, collect }: MetricDefinition<Source>,
  source: Source,
  pieces: Buffer[],
): Work<void> {
  const full = METRIC_PREFIX + name;
  let text = `# HELP ${full} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}\n# TYPE ${full} ${type}\n`;
  const flush = (): void => {
    pieces.push(Buffer.from(text));
    text = "";
  };
  const rest = collect(source, (value, labels, suffix) => {
    text += full;
    if (suffix !== undefined) text += suffix;
    if (labels !== undefined) text += labelled(labels);
    text += ` ${written(value)}\n`;
  });
  if (rest !== undefined) {
    for (const _ of rest) {
      flush();
      yield;
    }
  }
  text += "\n";
  flush();
  yield;
}

function labelled(labels: Readonly<Record<string, string | number>>): string {
  let text = "";
  for (const name in labels) {
    const value = labels[name];
    text += `${text === "" ? "{" : ","}${name}="${typeof value === "number" ? value : escaped(value)}"`;
  }
  return text === "" ? "" : `${text}}`;
}

function escaped(value: string): string {
  if (!/[\\"\n]/.test(value)) return value;
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}

function written(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
}
