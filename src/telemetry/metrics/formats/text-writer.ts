/**
 * What the two text formats have in common: lines of samples. They differ in how a family begins, in how numbers are written
 * where they are labels, and in what may follow a sample.
 */
import { type Exemplar, type HistogramFigures, METRIC_PREFIX, type SummaryFigures } from "../definition.ts";
import type { ExpositionWriter, Family, SampleLabels } from "./format.ts";
import { written } from "./label-text.ts";

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
  /** See `#bucketEnds`. */
  #ends: { readonly bounds: readonly number[]; readonly texts: readonly string[] } = { bounds: [], texts: [] };

  constructor(dialect: TextDialect) {
    this.#dialect = dialect;
  }

  beginFamily(family: Family): void {
    this.#name = METRIC_PREFIX + family.name;
    this.#text += this.#dialect.head(this.#name, family);
  }

  sample(value: number, { text }: SampleLabels, exemplar: Exemplar | null): void {
    this.#line("", text, value, exemplar);
  }

  histogram({ bounds, counts, sum, exemplars }: HistogramFigures, { text }: SampleLabels): void {
    const ends = this.#bucketEnds(bounds);
    const start = `${this.#name}_bucket{${text}${text === "" ? "" : ","}`;
    let count = 0;
    for (let i = 0; i <= bounds.length; i++) {
      count += counts[i];
      const exemplar = exemplars?.[i];
      this.#text += `${start}${ends[i]}${count}${exemplar == null ? "" : this.#dialect.exemplar(exemplar)}\n`;
    }
    this.#line("_sum", text, sum);
    this.#line("_count", text, count);
  }

  summary({ quantiles, sum, count }: SummaryFigures, { text }: SampleLabels): void {
    for (const [quantile, value] of quantiles) {
      this.#line("", joined(text, `quantile="${this.#dialect.boundary(quantile)}"`), value);
    }
    this.#line("_sum", text, sum);
    this.#line("_count", text, count);
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

  /** What stands behind a bucket's other labels, by bucket; most histograms in a row have the same bounds. */
  #bucketEnds(bounds: readonly number[]): readonly string[] {
    if (this.#ends.bounds !== bounds) {
      const all = [...bounds.map((bound) => this.#dialect.boundary(bound)), "+Inf"];
      this.#ends = { bounds, texts: all.map((le) => `le="${le}"} `) };
    }
    return this.#ends.texts;
  }

  #line(suffix: string, labels: string, value: number, exemplar?: Exemplar | null): void {
    const braces = labels === "" ? "" : `{${labels}}`;
    const behind = exemplar == null ? "" : this.#dialect.exemplar(exemplar);
    this.#text += `${this.#name}${suffix}${braces} ${written(value)}${behind}\n`;
  }
}

function joined(labels: string, last: string): string {
  return labels === "" ? last : `${labels},${last}`;
}
