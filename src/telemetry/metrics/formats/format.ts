/** How metrics are written down: what a format must have for whoever reads them. */
import type { Exemplar, HistogramFigures, Labels, MetricDefinition, SummaryFigures } from "../definition.ts";

/** A metric's description, whatever it is read from. */
export type Family = Omit<MetricDefinition<never>, "collect">;

/** One format that a scraper may ask for. */
export interface ExpositionFormat {
  /** A writer of one exposition. */
  begin(): ExpositionWriter;
}

/** The labels of a sample. */
export interface SampleLabels {
  readonly labels: Labels | undefined;
  /** As the text formats have them, without braces; tells series of a family apart in every format. */
  readonly text: string;
}

/**
 * Writes one exposition: families, one after the other, and their samples in between. What it is given is sound (see
 * sound-samples.ts), exemplars too.
 */
export interface ExpositionWriter {
  beginFamily(family: Family): void;
  /** Of a counter or a gauge. */
  sample(value: number, labels: SampleLabels, exemplar: Exemplar | null): void;
  histogram(figures: HistogramFigures, labels: SampleLabels): void;
  summary(figures: SummaryFigures, labels: SampleLabels): void;
  /** Others have their turn now: it makes bytes of what it has, so that none is left for the end. */
  pause(): void;
  endFamily(): void;
  /** All of it. */
  finish(): Buffer;
}
