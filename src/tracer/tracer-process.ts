/** The tracer process: composition root of what sends spans. It owns clocks, rings and the connection, and hands them down. */
import { version } from "../../package.json";
import type { FromTracer, ToTracer, TracerSettings, TracerStart } from "../protocol/tracer.ts";
import { openSharedMemory } from "../shared/memory/file.ts";
import { TracerCounter } from "../shared/memory/layout/tracing.ts";
import { bootClockOffsetMs } from "../shared/time/boot-clock.ts";
import { WallClock } from "../shared/time/wall-clock.ts";
import { keepAlive } from "../telemetry/keep-alive.ts";
import { type Running, runSupervised, type SupervisedHost } from "../telemetry/supervised-process.ts";
import { ExportRequests } from "./encode/export-request.ts";
import { Exporter } from "./export/exporter.ts";
import { HttpSender } from "./export/http-sender.ts";
import type { Sender } from "./export/sender.ts";
import { SpanQueue } from "./export/span-queue.ts";
import { Tracer } from "./tracer.ts";

/** How often the rings are read: they hold more than comes meanwhile. */
const STEP_MS = 50;
/** How long what is left may take to be sent at the end. */
const FINISH_MS = 2_000;
const LEAST_FINISH_MS = 200;
/** The runtime itself would let garbage grow for long, because it counts the shared memory as its own. */
const COLLECT_MS = 60_000;
/** What runtime and libraries would go by. Spans and the fields beside them go where the settings say, and nowhere else. */
const PROXY_VARIABLES = ["http_proxy", "https_proxy", "all_proxy", "grpc_proxy"];

const LIFE_SIGNS = {
  heartbeat: TracerCounter.HEARTBEAT,
  rssBytes: TracerCounter.RSS_BYTES,
  logDropped: TracerCounter.LOG_DROPPED,
  descriptorsOpen: TracerCounter.DESCRIPTORS_OPEN,
} as const;

/** Runs the tracer until the supervisor says "drain", or is gone. */
export function runTracer(): void {
  runSupervised<ToTracer, FromTracer>("tracer", start);
}

async function start(
  { memoryPath, names, settings }: TracerStart,
  { log }: SupervisedHost<FromTracer>,
): Promise<Running<ToTracer>> {
  for (const name of PROXY_VARIABLES) {
    delete process.env[name];
    delete process.env[name.toUpperCase()];
  }
  const memory = openSharedMemory(memoryPath);
  const nowMs = (): number => performance.now();
  const bootOffsetMs = bootClockOffsetMs(nowMs, performance.timeOrigin);
  const wallClock = new WallClock(
    () => nowMs() + bootOffsetMs,
    () => Date.now(),
  );
  const sender = await openSender(settings);
  const exporter = new Exporter({
    queue: new SpanQueue(settings.maxQueueSpans),
    requests: new ExportRequests(
      { "service.version": version, ...settings.resource },
      { name: "neurabalancer", version },
    ),
    sender,
    settings,
    counters: memory.tracer.counters,
    log,
    nowMs,
    random: Math.random,
    pause,
  });
  const { maxValueLength } = settings;
  const tracer = new Tracer({ memory, names, exporter, maxValueLength, wallOffsetMs: () => wallClock.offsetMs() });
  keepAlive(memory.tracer.counters, LIFE_SIGNS, () => Date.now());
  const stepping = setInterval(() => tracer.step(), STEP_MS);
  setInterval(() => Bun.gc(true), COLLECT_MS);
  return {
    tell: (told) => tracer.setNames(told.names),
    close: async (lateMs) => {
      clearInterval(stepping);
      await tracer.finish(Math.max(LEAST_FINISH_MS, FINISH_MS - lateMs));
      sender.close();
    },
  };
}

async function openSender(settings: TracerSettings): Promise<Sender> {
  const userAgent = `neurabalancer/${version}`;
  const wallMs = (): number => Date.now();
  if (settings.protocol === "http/protobuf") return new HttpSender({ ...settings, userAgent, wallMs, fetch });
  // Loaded only where it is spoken.
  const { GrpcSender } = await import("./export/grpc-sender.ts");
  return new GrpcSender({ ...settings, userAgent, wallMs });
}

function pause(ms: number, cut: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (cut.aborted) return Promise.resolve();
  const timer = setTimeout(resolve, ms);
  const onCut = (): void => {
    clearTimeout(timer);
    resolve();
  };
  cut.addEventListener("abort", onCut, { once: true });
  return promise.finally(() => cut.removeEventListener("abort", onCut));
}
