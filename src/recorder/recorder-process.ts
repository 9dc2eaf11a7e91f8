/** The recorder process: composition root of history. It owns clocks, rings and store, and hands them down. */
import type { FromRecorder, RecorderStart, ToRecorder } from "../protocol/recorder.ts";
import { bootClockOffsetMs } from "../shared/boot-clock.ts";
import { openSharedMemory } from "../shared/memory/file.ts";
import { RecorderCounter } from "../shared/memory/layout/history.ts";
import { WallClock } from "../shared/wall-clock.ts";
import type { HistoryStore } from "../storage/history-store.ts";
import { instanceOf, openHistoryStore } from "../storage/open-store.ts";
import { keepAlive } from "../telemetry/keep-alive.ts";
import { endOnUncaught } from "../telemetry/log/last-words.ts";
import { createLogger, type Logger } from "../telemetry/log/logger.ts";
import { replaceableLogger } from "../telemetry/log/replaceable-logger.ts";
import { Recorder } from "./recorder.ts";

/** How often the rings are read: they hold far more than comes meanwhile. */
const STEP_MS = 100;
/** How long what is left may take to be written at the end. */
const FINISH_MS = 2_000;

/** The runtime itself would let garbage grow for long, because it counts the shared memory as its own. */
const COLLECT_MS = 60_000;

const LIFE_SIGNS = {
  heartbeat: RecorderCounter.HEARTBEAT,
  rssBytes: RecorderCounter.RSS_BYTES,
  logDropped: RecorderCounter.LOG_DROPPED,
  descriptorsOpen: RecorderCounter.DESCRIPTORS_OPEN,
} as const;

type Tell = (message: FromRecorder) => void;

/** A recorder that runs. */
interface Running {
  readonly tell: (message: ToRecorder) => void;
  readonly close: () => Promise<void>;
}

/** Runs the recorder until the supervisor says "drain", or is gone. */
export function runRecorder(): void {
  let running: Running | undefined;
  let isEnding = false;
  // Told before it was ready, it is told once more then.
  const finish = (): void => {
    if (isEnding) return;
    isEnding = true;
    void end(running);
  };
  const tell: Tell = (message) => {
    if (process.connected) process.send?.(message);
  };
  // The terminal sends Ctrl-C to the whole process group; what it means is the supervisor's decision.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => {});
  process.on("SIGHUP", () => {});
  process.on("SIGUSR1", () => {});
  process.on("message", (message: ToRecorder) => {
    if (message.type === "start") {
      try {
        running = start(message, tell);
        tell({ type: "ready" });
      } catch (error) {
        tell({ type: "failed", message: (error as Error).message });
        process.exitCode = 1;
        setTimeout(() => process.exit(1), 100); // time for the message to leave
      }
    } else if (message.type === "drain") finish();
    else running?.tell(message);
  });
  // The supervisor is gone, and the workers are going.
  process.on("disconnect", finish);
}

async function end(running: Running | undefined): Promise<void> {
  try {
    await running?.close();
  } finally {
    process.exit(0);
  }
}

function start(message: RecorderStart, tell: Tell): Running {
  const { memoryPath, logLevel: level, logFormat: format, names, settings } = message;
  const memory = openSharedMemory(memoryPath);
  const logger = replaceableLogger(createLogger({ level, format, name: "recorder" }));
  const { log } = logger;
  endOnUncaught(log);
  const bootOffsetMs = bootClockOffsetMs(() => performance.now(), performance.timeOrigin);
  const bootMs = (): number => performance.now() + bootOffsetMs;
  const wallClock = new WallClock(bootMs, () => Date.now());
  const recorder = new Recorder({
    memory,
    names,
    instance: instanceOf(settings.store),
    settings,
    log,
    bootMs,
    wallOffsetMs: () => wallClock.offsetMs(),
    random: Math.random,
    tell: (rows, undone) => tell({ type: "servers", rows, undone }),
    kept: (number) => tell({ type: "kept", number }),
  });
  keepAlive(memory.recorder.counters, LIFE_SIGNS, () => Date.now());
  const stepping = setInterval(() => recorder.step(), STEP_MS);
  setInterval(() => Bun.gc(true), COLLECT_MS);
  const opening = openStore(message, log).then(async (store) => {
    await recorder.open(store);
    return store;
  });
  return {
    tell: (told) => {
      if (told.type === "names") recorder.setNames(told.names);
      else if (told.type === "events") recorder.takeEvents(told.events, told.number);
      else if (told.type === "log") {
        logger.replace(createLogger({ level: told.level, format: told.format, name: "recorder" }));
      }
    },
    close: async () => {
      clearInterval(stepping);
      const closed = opening.then(async (store) => {
        await recorder.finish();
        await store.close();
      });
      await Promise.race([closed, Bun.sleep(FINISH_MS)]);
    },
  };
}

/** Never rejects for what is wrong with its place: rows wait then. */
function openStore({ settings }: RecorderStart, log: Logger): Promise<HistoryStore> {
  return openHistoryStore(settings.store, {
    nowMs: () => Date.now(),
    limits: settings.limits,
    events: {
      degraded: ({ kind, message }) => log.warn({ problem: kind }, `the store of what happened: ${message}`),
      recovered: (_problem, lastedMs) =>
        log.info({ lasted_seconds: Math.round(lastedMs / 1000) }, "the store of what happened works again"),
      opened: (about) => log.info(about),
      movedAside: (path, reason) =>
        log.error({ moved_to: path }, `the store of what happened is damaged, a new one is begun: ${reason}`),
    },
  });
}
