/** What the tracer does, step by step, on clocks and with an exporter that it is given: from rings to spans. */
import type { TracedNames } from "../protocol/tracer.ts";
import { Header, type SharedMemory } from "../shared/memory/layout/shared-memory.ts";
import { TRACE_ROWS, TracerCounter, TraceWord } from "../shared/memory/layout/tracing.ts";
import { RingCursor } from "../shared/memory/ring.ts";
import { SpanEncoder } from "./encode/spans.ts";
import type { Exporter } from "./export/exporter.ts";
import { TraceNames } from "./names.ts";

/** What it works with. */
export interface TracerOptions {
  readonly memory: Pick<SharedMemory, "header" | "traces" | "tracer">;
  readonly names: TracedNames;
  readonly exporter: Pick<Exporter, "add" | "step" | "finish">;
  /** The most characters of a text in a span; `null` = as many as it has. */
  readonly maxValueLength: number | null;
  /** What, added to the boot clock, gives milliseconds since the epoch at present. */
  readonly wallOffsetMs: () => number;
}

export class Tracer {
  readonly #options: TracerOptions;
  readonly #names: TraceNames;
  readonly #encoder: SpanEncoder;
  /** By worker. */
  readonly #cursors: RingCursor[] = [];

  constructor(options: TracerOptions) {
    this.#options = options;
    this.#names = new TraceNames(options.names);
    this.#encoder = new SpanEncoder(this.#names, options.maxValueLength);
  }

  /** Servers, pools or routes came or went. */
  setNames(names: TracedNames): void {
    this.#names.update(names);
  }

  /** Reads what is new, and has sent what is due. */
  step(): void {
    this.#read();
    this.#options.exporter.step();
  }

  /** Sends all there is, for so long at most. */
  async finish(withinMs: number): Promise<void> {
    this.#read();
    await this.#options.exporter.finish(withinMs);
  }

  #read(): void {
    const { memory, exporter, wallOffsetMs } = this.#options;
    const { counters, positions } = memory.tracer;
    const offsetMs = wallOffsetMs();
    const take = (span: Uint8Array) => exporter.add(span);
    for (let worker = 0; worker < memory.header[Header.WORKER_BLOCKS]; worker++) {
      // A position of zero: nothing was read yet, or, once in 2^32 records, all that there is.
      const from = positions[worker] === 0 ? undefined : positions[worker];
      this.#cursors[worker] ??= new RingCursor(memory.traces[worker].requests, TRACE_ROWS, TraceWord.LENGTH, from);
      const cursor = this.#cursors[worker];
      // Where it is stands in the memory with each record: one that is killed here leaves none that would be counted twice, or not.
      cursor.drain(
        (row, number) => {
          this.#encoder.encode(row, offsetMs, take);
          positions[worker] = number;
        },
        (count, number) => {
          // Of a request that is gone nobody knows how many spans it had: one for certain.
          counters[TracerCounter.SPANS_LOST_RING] += count;
          positions[worker] = number;
        },
      );
    }
  }
}
