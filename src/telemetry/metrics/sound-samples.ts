/**
 * Samples that no scraper can use are left out and counted, before any format sees them: one of them would cost the whole scrape
 * with some readers, and with others a series would jump. All formats leave out the same.
 */
import type { Emit, Exemplar, HistogramFigures, MetricType, SummaryFigures } from "./definition.ts";
import type { ExpositionWriter } from "./formats/format.ts";
import { labelText } from "./formats/label-text.ts";

/** How many samples were left out, and why. Each is a mistake of ours. */
export interface RefusedSamples {
  /** No number, or negative, where that cannot be: counts, sums of counts. */
  invalid: number;
  /** Of a series that the same exposition already had. */
  duplicate: number;
}

/** OpenMetrics 1.0.0, "Exemplars". */
const MAX_EXEMPLAR_CHARACTERS = 128;

/** Gives samples to a writer. */
export class SoundSamples {
  readonly emit: Emit;
  readonly #refused: RefusedSamples;
  #type: MetricType = "gauge";
  /** Series of the family, by their labels. */
  readonly #seen = new Set<string>();

  constructor(writer: ExpositionWriter, refused: RefusedSamples) {
    this.#refused = refused;
    const one: (...sample: Parameters<Emit>) => void = (value, labels, exemplar) => {
      const text = labelText(labels);
      if (this.#takes(this.#type !== "counter" || isAmount(value), text)) {
        writer.sample(value, { labels, text }, isSound(exemplar) ? exemplar : null);
      }
    };
    this.emit = Object.assign(one, {
      histogram: (figures: HistogramFigures, labels?: Parameters<Emit>[1]): void => {
        const text = labelText(labels);
        if (this.#takes(isHistogram(figures), text)) writer.histogram(withSoundExemplars(figures), { labels, text });
      },
      summary: (figures: SummaryFigures, labels?: Parameters<Emit>[1]): void => {
        const text = labelText(labels);
        if (this.#takes(isAmount(figures.sum) && isAmount(figures.count), text))
          writer.summary(figures, { labels, text });
      },
    });
  }

  /** Samples are of a family of this type from now on. */
  begin(type: MetricType): void {
    this.#type = type;
    this.#seen.clear();
  }

  #takes(isValid: boolean, series: string): boolean {
    if (!isValid) {
      this.#refused.invalid++;
      return false;
    }
    const before = this.#seen.size;
    if (this.#seen.add(series).size > before) return true;
    this.#refused.duplicate++;
    return false;
  }
}

/** Counted or added up: never less than nothing. */
function isAmount(value: number): boolean {
  return value >= 0 && value < Number.POSITIVE_INFINITY;
}

function areCounts(counts: ArrayLike<number>): boolean {
  for (let i = 0; i < counts.length; i++) if (!isAmount(counts[i])) return false;
  return true;
}

function isHistogram({ bounds, counts, sum, native }: HistogramFigures): boolean {
  return (
    counts.length === bounds.length + 1 &&
    isAmount(sum) &&
    areCounts(counts) &&
    (native === undefined || (native.counts.length > 0 && areCounts(native.counts)))
  );
}

function isSound(exemplar: Exemplar | null | undefined): exemplar is Exemplar {
  if (exemplar == null) return false;
  const { labels, value, timeMs } = exemplar;
  let characters = 0;
  for (const name in labels) characters += name.length + String(labels[name]).length;
  return characters <= MAX_EXEMPLAR_CHARACTERS && Number.isFinite(value) && isAmount(timeMs);
}

function withSoundExemplars(figures: HistogramFigures): HistogramFigures {
  const { exemplars } = figures;
  if (exemplars === undefined) return figures;
  return { ...figures, exemplars: Array.from(exemplars, (each) => (isSound(each) ? each : null)) };
}
