/**
 * Sends spans in batches (OpenTelemetry's batching span processor): when enough of them wait, or one has waited for long enough.
 * One batch at a time; it is tried again, with longer and longer pauses, until the collector has it, refuses it, or its time is
 * over. What happened is counted where the metrics are read from.
 */
import { shownEndpoint, type TracerSettings } from "../../protocol/tracer.ts";
import { TracerCounter } from "../../shared/memory/layout/tracing.ts";
import type { Logger } from "../../telemetry/log/logger.ts";
import type { ExportRequests } from "../encode/export-request.ts";
import type { Sender } from "./sender.ts";
import type { SpanQueue } from "./span-queue.ts";

const C = TracerCounter;
/** Pauses before a batch is tried again, milliseconds: the first, and the longest. */
const PAUSE_MS = { first: 500, most: 5_000 } as const;
/** A try is not begun with less time than this. */
const LEAST_TRY_MS = 10;
/** How often the log repeats what a collector says of spans that it rejects. */
const SAY_EVERY_MS = 60_000;
/** The most reasons that the log has of one time of failing: some name a time, and are new each time. */
const MOST_REASONS = 4;

/** What it works with. */
export interface ExporterOptions {
  readonly queue: SpanQueue;
  readonly requests: ExportRequests;
  readonly sender: Sender;
  readonly settings: Pick<
    TracerSettings,
    "endpoint" | "scheduleDelayMs" | "exportTimeoutMs" | "timeoutMs" | "maxBatchSpans" | "maxQueueSpans"
  >;
  /** Of the tracer. */
  readonly counters: Float64Array;
  readonly log: Logger;
  /** Monotonic, milliseconds. */
  readonly nowMs: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Resolves after so long, or when the signal says that it need not be waited. */
  readonly pause: (ms: number, cut: AbortSignal) => Promise<void>;
}

export class Exporter {
  readonly #options: ExporterOptions;
  /** When the oldest span that waits is due. */
  #dueMs = Number.POSITIVE_INFINITY;
  /** The collector wants to be left alone until then. */
  #notBeforeMs = 0;
  /** Nothing may take longer than until then: the end. */
  #endMs = Number.POSITIVE_INFINITY;
  #cut = new AbortController();
  #running: Promise<void> | null = null;
  #failingSince: number | null = null;
  /** Why it has failed since then, as far as the log has it. */
  readonly #saidReasons = new Set<string>();
  #saidMs = Number.NEGATIVE_INFINITY;

  constructor(options: ExporterOptions) {
    this.#options = options;
  }

  /** Spans that find no room are counted, and so are those that wait, at once: if we are killed they are lost. */
  add(span: Uint8Array): void {
    const { queue, counters, settings, nowMs } = this.#options;
    if (!queue.add(span)) {
      counters[C.SPANS_LOST_QUEUE]++;
      return;
    }
    if (queue.length === 1) this.#dueMs = nowMs() + settings.scheduleDelayMs;
    this.#show();
  }

  /** Sends what is due, if nothing is being sent. Call it often. */
  step(): void {
    this.#show();
    if (this.#running !== null || !this.#isDue()) return;
    this.#running = this.#pump().finally(() => {
      this.#running = null;
      this.#show();
    });
  }

  /** Sends all there is, for so long at most; what is left then is lost, and counted. */
  async finish(withinMs: number): Promise<void> {
    const { queue, nowMs, counters, log, pause } = this.#options;
    this.#endMs = nowMs() + withinMs;
    this.#notBeforeMs = 0;
    this.#cut.abort();
    this.#cut = new AbortController();
    const sent = (async () => {
      await this.#running;
      await this.#pump();
    })();
    // A try that has begun has the time that it was given then.
    const over = new AbortController();
    await Promise.race([sent.finally(() => over.abort()), pause(withinMs, over.signal)]);
    const left = queue.waiting;
    if (left === 0) return;
    counters[C.SPANS_LOST_EXPORT] += left;
    queue.take(queue.length);
    queue.done();
    this.#show();
    log.warn({ spans: left }, "spans are lost: the collector did not take them in the time that there was at the end");
  }

  #isDue(): boolean {
    const { queue, settings, nowMs } = this.#options;
    if (queue.length === 0) return false;
    const now = nowMs();
    if (now >= this.#endMs) return false;
    if (this.#endMs !== Number.POSITIVE_INFINITY) return true;
    if (now < this.#notBeforeMs) return false;
    return queue.length >= settings.maxBatchSpans || now >= this.#dueMs;
  }

  async #pump(): Promise<void> {
    const { queue, settings, nowMs } = this.#options;
    while (this.#isDue()) {
      const spans = queue.take(settings.maxBatchSpans);
      this.#dueMs = nowMs() + settings.scheduleDelayMs; // of those that stay
      await this.#export(spans);
      queue.done();
      this.#show();
    }
  }

  /** Until the batch is somewhere, or lost. */
  async #export(spans: readonly Uint8Array[]): Promise<void> {
    const { requests, sender, settings, counters, nowMs, random, pause } = this.#options;
    const request = requests.of(spans);
    const beganMs = nowMs();
    // The end may come meanwhile.
    const leftMs = () => Math.min(beganMs + settings.exportTimeoutMs, this.#endMs) - nowMs();
    for (let pauseMs: number = PAUSE_MS.first; ; pauseMs = Math.min(PAUSE_MS.most, pauseMs * 2)) {
      const result = await sender.send(request, Math.min(settings.timeoutMs, Math.max(LEAST_TRY_MS, leftMs())));
      if (result.kind === "taken") {
        counters[C.EXPORTS]++;
        this.#taken(spans.length, result.rejectedSpans, result.message);
        return;
      }
      counters[C.EXPORT_FAILURES]++;
      this.#failing(result.reason);
      if (result.kind === "refused") break;
      if (result.afterMs !== null) this.#notBeforeMs = nowMs() + result.afterMs;
      // By chance, so that those whom the same failure met do not come back together.
      const waitMs = result.afterMs ?? pauseMs * (0.5 + random() / 2);
      if (waitMs >= leftMs()) break;
      await pause(waitMs, this.#cut.signal);
      if (leftMs() <= 0) break;
    }
    counters[C.SPANS_LOST_EXPORT] += spans.length;
  }

  #taken(spans: number, rejectedSpans: number, message: string): void {
    const { counters, log, nowMs } = this.#options;
    const rejected = Math.min(Math.max(0, Math.trunc(rejectedSpans)), spans);
    counters[C.SPANS_EXPORTED] += spans - rejected;
    counters[C.SPANS_REJECTED] += rejected;
    if ((rejected > 0 || message !== "") && nowMs() - this.#saidMs >= SAY_EVERY_MS) {
      this.#saidMs = nowMs();
      log.warn({ spans: rejected, message }, "the collector rejects spans, or has something to say of them");
    }
    if (this.#failingSince === null) return;
    const seconds = Math.round((nowMs() - this.#failingSince) / 1000);
    this.#failingSince = null;
    counters[C.EXPORT_FAILING] = 0;
    log.info({ lasted_seconds: seconds }, "the collector takes spans again");
  }

  #failing(reason: string): void {
    const { counters, log, nowMs, settings } = this.#options;
    if (this.#failingSince === null) {
      this.#failingSince = nowMs();
      this.#saidReasons.clear();
      counters[C.EXPORT_FAILING] = 1;
    }
    // Whoever mends the first cause wants to hear of the next.
    if (this.#saidReasons.has(reason) || this.#saidReasons.size >= MOST_REASONS) return;
    this.#saidReasons.add(reason);
    log.warn(
      { endpoint: shownEndpoint(settings), reason },
      "the collector does not take spans: they wait, and are lost when there are too many; requests go on",
    );
  }

  #show(): void {
    const { queue, counters } = this.#options;
    counters[C.SPANS_WAITING] = queue.waiting;
    counters[C.BYTES_WAITING] = queue.waitingBytes;
  }
}
