/** The tracer as a process of its own, kept as the supervisor keeps it, on a real file of shared memory; the workers are the test. */
import { join } from "node:path";
import { NO_EVENTS } from "../../../src/control/events/events.ts";
import { Tracer } from "../../../src/control/processes/tracer/tracer.ts";
import type { TracerSettings } from "../../../src/protocol/tracer.ts";
import { createRuntimeDirectory, createSharedMemory, removeRuntimeDirectory } from "../../../src/shared/memory/file.ts";
import { Header } from "../../../src/shared/memory/layout/shared-memory.ts";
import { TracerCounter as C } from "../../../src/shared/memory/layout/tracing.ts";
import { MemoryPages } from "../../../src/shared/memory/pages.ts";
import { bootClockOffsetMs } from "../../../src/shared/time/boot-clock.ts";
import { recordingLogger } from "../recording-logger.ts";
import { until } from "../until.ts";
import { type RequestLike, TRACED_NAMES, writeTrace } from "./records.ts";

const MAIN = join(import.meta.dir, "../../../src/main.ts");

/** What a tracer is told where a test says nothing else: everything at once. */
export const TRACER_SETTINGS: TracerSettings = {
  endpoint: "",
  protocol: "http/protobuf",
  headers: {},
  compression: "none",
  timeoutMs: 10_000,
  caPem: null,
  certificate: null,
  resource: { "service.name": "test" },
  scheduleDelayMs: 10,
  exportTimeoutMs: 30_000,
  maxQueueSpans: 2_048,
  maxBatchSpans: 512,
  maxValueLength: null,
};

/** One instance's. */
export class TracerRun {
  readonly #directory = createRuntimeDirectory();
  readonly memory;
  readonly tracer: Tracer;
  readonly lines;
  /** Spans that workers told of. */
  sampled = 0;

  /** @param environment of the process, `NAME=value`. @param hungAfterMs far away, unless it is to hang. */
  constructor(settings: Partial<TracerSettings>, environment: readonly string[] = [], hungAfterMs = 60_000) {
    const memoryPath = join(this.#directory, "memory");
    this.memory = createSharedMemory(memoryPath);
    const pages = new MemoryPages(memoryPath, this.memory);
    pages.reserveWorkers(2);
    pages.reserveTraces();
    this.memory.header[Header.WORKER_BLOCKS] = 2;
    const { log, lines } = recordingLogger();
    this.lines = lines;
    this.tracer = new Tracer({
      command: ["/usr/bin/env", ...environment, process.execPath, MAIN, "tracer"],
      memory: this.memory,
      log,
      events: NO_EVENTS,
      clock: () => performance.now(),
      startMessage: () => ({
        type: "start",
        memoryPath,
        logFormat: "json",
        logLevel: "silent",
        settings: { ...TRACER_SETTINGS, ...settings },
      }),
      names: () => TRACED_NAMES,
      tickMs: 100,
      hungAfterMs,
    });
    this.tracer.start();
  }

  /** The boot clock now. */
  readonly bootMs = (() => {
    const offsetMs = bootClockOffsetMs(() => performance.now(), performance.timeOrigin);
    return () => performance.now() + offsetMs;
  })();

  ready(): Promise<unknown> {
    return until(() => this.tracer.status?.state === "ready");
  }

  count(word: number): number {
    return this.memory.tracer.counters[word];
  }

  write(request: RequestLike = {}, worker = 0): void {
    writeTrace(this.memory, worker, request);
    this.sampled += 1 + (request.attempts?.length ?? 0);
  }

  /** What became of all spans that are not waiting. */
  accounted(): number {
    return [C.SPANS_EXPORTED, C.SPANS_REJECTED, C.SPANS_LOST_RING, C.SPANS_LOST_QUEUE, C.SPANS_LOST_EXPORT].reduce(
      (sum, word) => sum + this.count(word),
      0,
    );
  }

  /** Ends it, whatever state it is in. */
  close(): void {
    this.tracer.kill();
    removeRuntimeDirectory(this.#directory);
  }
}
