/** The recorder process: composition root of history. It owns clocks, rings and store, and hands them down. */
import type { FromRecorder, RecorderStart, ToRecorder } from "../protocol/recorder.ts";
import { openSharedMemory } from "../shared/memory/file.ts";
import { RecorderCounter } from "../shared/memory/layout/history.ts";
import { bootClockOffsetMs } from "../shared/time/boot-clock.ts";
import { WallClock } from "../shared/time/wall-clock.ts";
import type { HistoryStore } from "../storage/history-store.ts";
import { instanceOf, openHistoryStore } from "../storage/open-store.ts";
import { keepAlive } from "../telemetry/keep-alive.ts";
import type { Logger } from "../telemetry/log/logger.ts";
import { type Running, runSupervised, type SupervisedHost } from "../telemetry/supervised-process.ts";
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

/** Runs the recorder until the supervisor says "drain", or is gone. */
export function runRecorder(): void {
  runSupervised<ToRecorder, FromRecorder>("recorder", start);
}

function start(message: RecorderStart, { log, tell }: SupervisedHost<FromRecorder>): Running<ToRecorder> {
  const { memoryPath, names, settings } = message;
  const memory = openSharedMemory(memoryPath);
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
      else recorder.takeEvents(told.events, told.number);
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
