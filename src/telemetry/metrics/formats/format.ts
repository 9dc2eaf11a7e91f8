/** How metrics are written down: what a format must have for whoever reads them. */
import type { Exemplar, HistogramFigures, Labels, MetricDefinition, SummaryFigures } from "../definition.ts";

/** A metric's description, whatever it is read from. */
export type Family = Omit<MetricDefinition<never>, "collect">;

/** One format that a scraper may ask for. */
export interface ExpositionFormat {
  /** What responses are labelled as. */
  readonly contentType: string;
  /** A writer of one exposition. */
  begin(): ExpositionWriter;
}

/** Writes one exposition: families, one after the other, and their samples in between. */
export interface ExpositionWriter {
  beginFamily(family: Family): void;
  /** Of a counter or a gauge. */
  sample(value: number, labels?: Labels, exemplar?: Exemplar | null): void;
  histogram(figures: HistogramFigures, labels?: Labels): void;
  summary(figures: SummaryFigures, labels?: Labels): void;
  /** Others have their turn now: it makes bytes of what it has, so that none is left for the end. */
  pause(): void;
  endFamily(): void;
  /** All of it. */
  finish(): Buffer;
}
