/** Labels and numbers as the text formats write them. */
import type { Labels } from "../definition.ts";

/** Labels without braces; empty where there are none. */
export function labelText(labels: Labels | undefined): string {
  let text = "";
  for (const name in labels) {
    const value = labels[name];
    text += `${text === "" ? "" : ","}${name}="${typeof value === "number" ? value : escaped(value)}"`;
  }
  return text;
}

/** Text that stands between quotes. What is no Unicode is replaced by U+FFFD, as it would be on its way. */
export function escaped(value: string): string {
  if (!/[\\"\n\ud800-\udfff]/.test(value)) return value;
  return value.toWellFormed().replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}

/** The value of a sample. */
export function written(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
}

/**
 * A number that is the value of a label `le` or `quantile` as OpenMetrics would have it, and as Prometheus writes those that it
 * gets as numbers: the shortest that says it, never without a point or an exponent.
 */
export function canonical(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && Number.isFinite(size) && (size < 1e-4 || size >= 1e6)) {
    return value.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
  }
  return Number.isInteger(value) ? `${value}.0` : written(value);
}
