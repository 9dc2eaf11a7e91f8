/** The learner process: composition root of learning, whether or not anything is balanced by it. It owns clock, rings and store, and hands them down. */
import type { NamedAddress } from "../protocol/endpoint.ts";
import type { FromLearner, LearnerPool, LearnerQuestion, LearnerStart, ToLearner } from "../protocol/learner.ts";
import { bootClockOffsetMs } from "../shared/boot-clock.ts";
import { openSharedMemory } from "../shared/memory/file.ts";
import { LearnerCounter } from "../shared/memory/layout/learning.ts";
import { WallClock } from "../shared/wall-clock.ts";
import { keepAlive } from "../telemetry/keep-alive.ts";
import { endOnUncaught } from "../telemetry/log/last-words.ts";
import { createLogger } from "../telemetry/log/logger.ts";
import { replaceableLogger } from "../telemetry/log/replaceable-logger.ts";
import { ASLEEP_LOOK_MS } from "./observing/feature-moments.ts";
import { Resources } from "./online/resources.ts";
import { PoolLearners, type PoolLearnersOptions } from "./pool-learners.ts";
import { SERVING_DEFAULTS } from "./serving/serving-defaults.ts";
import { OutcomeFeed } from "./serving/worker-rings.ts";

/** A store that took longer to open is worth a line, milliseconds. */
const LONG_OPENING_MS = 2_000;
/** A learner that is started again begins with what its predecessor knew of, if it is no older, milliseconds. */
const REPLAY_MS = 30_000;

/**
 * Garbage is collected after so many bytes of tables. The runtime itself would wait for ten times as many, because it counts
 * the shared memory, most of which is not there, as its own.
 */
const COLLECT_EVERY_BYTES = 24 * 1024 * 1024;

const LIFE_SIGNS = {
  heartbeat: LearnerCounter.HEARTBEAT,
  rssBytes: LearnerCounter.RSS_BYTES,
  logDropped: LearnerCounter.LOG_DROPPED,
  descriptorsOpen: LearnerCounter.DESCRIPTORS_OPEN,
} as const;

/** A learner that runs. */
interface Running {
  readonly answer: (question: LearnerQuestion) => unknown;
  readonly setServers: (servers: readonly NamedAddress[]) => void;
  readonly setPools: (pools: readonly LearnerPool[]) => void;
  readonly setLog: (level: string, format: "json" | "text") => void;
  readonly close: () => Promise<void>;
}

/** What is needed for pools that are balanced by what is learned: a third of the memory that the process takes. */
type Balanced = PoolLearnersOptions["balanced"];

/** Loaded when the first such pool comes. */
async function loadBalanced(): Promise<Balanced> {
  const { PoolLearner } = await import("./pool-learner.ts");
  return (options) => new PoolLearner(options);
}

/** Runs the learner until the supervisor says "drain", or is gone. */
export function runLearner(): void {
  let running: Running | undefined;
  let isEnding = false;
  // Told before it was ready, it is told once more then.
  const finish = (): void => {
    if (isEnding) return;
    isEnding = true;
    void end(running);
  };
  let balanced: Balanced | undefined;
  const load = async (pools: readonly LearnerPool[]): Promise<void> => {
    if (pools.some(({ observed }) => observed !== true)) balanced ??= await loadBalanced();
  };
  const make: Balanced = (options) => balanced!(options);
  const tell = (message: FromLearner): void => void process.send?.(message);
  // The terminal sends Ctrl-C to the whole process group; what it means is the supervisor's decision.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => {});
  process.on("SIGHUP", () => {});
  process.on("SIGUSR1", () => {});
  const take = async (message: ToLearner): Promise<void> => {
    if (message.type === "start") {
      try {
        await load(message.pools);
        running = start(message, make, tell);
        tell({ type: "ready" });
      } catch (error) {
        tell({ type: "failed", message: (error as Error).message });
        process.exitCode = 1;
        setTimeout(() => process.exit(1), 100); // time for the message to leave
      }
    } else if (message.type === "ask") {
      void answered(running, message.question).then((answer) =>
        tell({ type: "answer", number: message.number, answer }),
      );
    } else if (message.type === "servers") running?.setServers(message.servers);
    else if (message.type === "pools") {
      await load(message.pools);
      running?.setPools(message.pools);
    } else if (message.type === "log") running?.setLog(message.level, message.format);
    else if (message.type === "drain") finish();
  };
  // One after another, as they came: some need code that is not loaded yet.
  let taken: Promise<void> = Promise.resolve();
  process.on("message", (message: ToLearner) => {
    taken = taken.then(() => take(message));
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

async function answered(running: Running | undefined, question: LearnerQuestion): Promise<unknown> {
  try {
    return (await running?.answer(question)) ?? null;
  } catch {
    return null; // it is not known: the store, for one, says itself what is wrong with it
  }
}

function start(message: LearnerStart, balanced: Balanced, tell: (message: FromLearner) => void): Running {
  const { memoryPath, logLevel, logFormat, settings, program } = message;
  const memory = openSharedMemory(memoryPath);
  const logger = replaceableLogger(createLogger({ level: logLevel, format: logFormat, name: "learner" }));
  const { log } = logger;
  endOnUncaught(log);
  const setLog = (level: string, format: "json" | "text"): void =>
    logger.replace(createLogger({ level, format, name: "learner" }));
  const bootOffsetMs = bootClockOffsetMs(() => performance.now(), performance.timeOrigin);
  const nowMs = (): number => performance.now() + bootOffsetMs;
  const wallMs = (): number => Date.now();
  const wallClock = new WallClock(nowMs, wallMs);
  const names = new Map<number, string>();
  const setServers = (list: readonly NamedAddress[]): void => {
    names.clear();
    for (const { id, url, address } of list) names.set(id, `${url} ${address}`);
  };
  setServers(message.servers);
  const ending = new AbortController();
  const pools = new PoolLearners(
    {
      settings,
      program,
      memory,
      log,
      nowMs,
      wallMs,
      wallOffsetMs: () => wallClock.offsetMs(),
      stopwatch: () => performance.now(),
      random: Math.random,
      nameOf: (id) => names.get(id),
      signal: ending.signal,
      balanced,
    },
    message.pools,
  );
  const feed = new OutcomeFeed(memory);
  pools.replay(feed.past().filter(({ atMs }) => atMs >= nowMs() - REPLAY_MS));
  keepAlive(memory.learnerCounters, LIFE_SIGNS, wallMs);
  // Outcomes are read just before they are needed, and the rings hold far more than come between two tables: to wake up
  // more often would cost more than all that is done then.
  let collectedAt = 0;
  const makeTables = async (): Promise<void> => {
    pools.beginRound();
    feed.drain((outcome) => pools.observe(outcome));
    await pools.tick();
    const { tableBytes } = pools;
    if (tableBytes - collectedAt < COLLECT_EVERY_BYTES) return;
    collectedAt = tableBytes;
    Bun.gc(true);
  };
  const loop = (): void => {
    void makeTables();
    setTimeout(loop, pools.isAsleep ? ASLEEP_LOOK_MS : SERVING_DEFAULTS.tableMs);
  };
  setTimeout(loop, SERVING_DEFAULTS.tableMs);
  // A large file that is brought up to date takes all the time there is: nobody is to think that this hangs.
  memory.learnerCounters[LearnerCounter.STORE_OPENING] = 1;
  const openingMs = nowMs();
  const opening = Resources.open({
    settings,
    log,
    wallMs,
    onVerdict: (verdict) => tell({ type: "verdict", ...verdict }),
    onAvailable: () => {
      log.warn("the database of what is learned can be used now: the learner starts anew with what is kept there");
      void opening.then(({ store }) => store.close()).finally(() => process.exit(0));
    },
  }).then(async (resources) => {
    memory.learnerCounters[LearnerCounter.STORE_OPENING] = 0;
    const seconds = Math.round((nowMs() - openingMs) / 100) / 10;
    if (seconds * 1000 >= LONG_OPENING_MS) log.info({ seconds }, "the store of what is learned is open");
    await pools.learn(resources);
    void makeTables();
    return resources;
  });
  const answer = async (question: LearnerQuestion): Promise<unknown> => {
    switch (question.kind) {
      case "explain":
        return pools.explain(question.requestId, question.pool);
      case "describe":
        return pools.describe(question.pool);
      case "models":
        return (await opening).store.models({ limit: question.limit, pool: question.pool ?? undefined });
      case "verdicts":
        return (await opening).store.verdicts({
          limit: question.limit,
          pool: question.pool ?? undefined,
          modelVersion: question.modelVersion ?? undefined,
        });
      case "order":
        await opening;
        return pools.order(question.pool, question.order, question.version);
    }
  };
  const close = async (): Promise<void> => {
    ending.abort();
    const { store } = await opening;
    await pools.close();
    await store.close();
  };
  return { answer, setServers, setPools: (list) => pools.set(list), setLog, close };
}
