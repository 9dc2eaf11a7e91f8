/**
 * What the two text formats have in common: lines of samples. They differ in how a family begins, in how numbers are written
 * where they are labels, and in what may follow a sample.
 */
import type { Exemplar, HistogramFigures, Labels, SummaryFigures } from "../definition.ts";
import { METRIC_PREFIX } from "../definition.ts";
import type { ExpositionWriter, Family } from "./format.ts";

/** What a text format has of its own. */
export interface TextDialect {
  /** The lines before a family's samples. `name` has the prefix. */
  head(name: string, family: Family): string;
  /** The value of `le` or `quantile`. */
  boundary(value: number): string;
  /** What stands behind a sample for its exemplar. */
  exemplar(exemplar: Exemplar): string;
  /** What stands behind a family's samples, and behind all. */
  readonly familyFoot: string;
  readonly foot: string;
}

/** Writes lines. */
export class TextWriter implements ExpositionWriter {
  readonly #dialect: TextDialect;
  readonly #pieces: Buffer[] = [];
  #text = "";
  #name = "";

  constructor(dialect: TextDialect) {
    this.#dialect = dialect;
  }

  beginFamily(family: Family): void {
    this.#name = METRIC_PREFIX + family.name;
    this.#text += this.#dialect.head(this.#name, family);
  }

  sample(value: number, labels?: Labels, exemplar?: Exemplar | null): void {
    this.#line("", labelled(labels), value, exemplar);
  }

  histogram({ bounds, counts, sum, exemplars }: HistogramFigures, labels?: Labels): void {
    const shared = labelled(labels);
    let count = 0;
    for (let i = 0; i <= bounds.length; i++) {
      count += counts[i];
      const le = i < bounds.length ? this.#dialect.boundary(bounds[i]) : "+Inf";
      this.#line("_bucket", joined(shared, `le="${le}"`), count, exemplars?.[i]);
    }
    this.#line("_sum", shared, sum);
    this.#line("_count", shared, count);
  }

  summary({ quantiles, sum, count }: SummaryFigures, labels?: Labels): void {
    const shared = labelled(labels);
    for (const [quantile, value] of quantiles) {
      this.#line("", joined(shared, `quantile="${this.#dialect.boundary(quantile)}"`), value);
    }
    this.#line("_sum", shared, sum);
    this.#line("_count", shared, count);
  }

  pause(): void {
    this.#pieces.push(Buffer.from(this.#text));
    this.#text = "";
  }

  endFamily(): void {
    this.#text += this.#dialect.familyFoot;
    this.pause();
  }

  finish(): Buffer {
    this.#text += this.#dialect.foot;
    this.pause();
    return Buffer.concat(this.#pieces);
  }

  #line(suffix: string, labels: string, value: number, exemplar?: Exemplar | null): void {
    const braces = labels === "" ? "" : `{${labels}}`;
    const behind = exemplar == null ? "" : this.#dialect.exemplar(exemplar);
    this.#text += `${this.#name}${suffix}${braces} ${written(value)}${behind}\n`;
  }
}

/** Labels without braces. */
export function labelled(labels: Labels | undefined): string {
  let text = "";
  for (const name in labels) {
    const value = labels[name];
    text += `${text === "" ? "" : ","}${name}="${typeof value === "number" ? value : escaped(value)}"`;
  }
  return text;
}

/** The value of a sample. */
export function written(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
}

/** Text between quotes. */
export function escaped(value: string): string {
  if (!/[\\"\n]/.test(value)) return value;
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}

function joined(labels: string, last: string): string {
  return labels === "" ? last : `${labels},${last}`;
}
