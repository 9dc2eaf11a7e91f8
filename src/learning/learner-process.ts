/** The learner process: composition root of learning, whether or not anything is balanced by it. It owns clock, rings and store, and hands them down. */
import type { NamedAddress } from "../protocol/endpoint.ts";
import type { FromLearner, LearnerPool, LearnerQuestion, LearnerStart, ToLearner } from "../protocol/learner.ts";
import { openSharedMemory } from "../shared/memory/file.ts";
import { LearnerCounter } from "../shared/memory/layout/learning.ts";
import { bootClockOffsetMs } from "../shared/time/boot-clock.ts";
import { WallClock } from "../shared/time/wall-clock.ts";
import { keepAlive } from "../telemetry/keep-alive.ts";
import { runSupervised, type SupervisedHost } from "../telemetry/supervised-process.ts";
import { TemplateFeed } from "./classes/template-feed.ts";
import { openLearnerLink } from "./cluster/learner-link.ts";
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

/** What is needed for pools that are balanced by what is learned: a third of the memory that the process takes. */
type Balanced = PoolLearnersOptions["balanced"];

/** Loaded when the first such pool comes. */
async function loadBalanced(): Promise<Balanced> {
  const { PoolLearner } = await import("./pool-learner.ts");
  return (options) => new PoolLearner(options);
}

/** Runs the learner until the supervisor says "drain", or is gone. */
export function runLearner(): void {
  let balanced: Balanced | undefined;
  const load = async (pools: readonly LearnerPool[]): Promise<void> => {
    if (pools.some(({ observed }) => observed !== true)) balanced ??= await loadBalanced();
  };
  runSupervised<ToLearner, FromLearner>("learner", async (message, host) => {
    await load(message.pools);
    const { answer, setServers, setPools, close } = start(message, (options) => balanced!(options), host);
    return {
      tell: async (told) => {
        if (told.type === "ask") {
          void answered(answer, told.question).then((response) =>
            host.tell({ type: "answer", number: told.number, answer: response }),
          );
        } else if (told.type === "servers") setServers(told.servers);
        else {
          await load(told.pools);
          setPools(told.pools);
        }
      },
      close,
    };
  });
}

type Answer = (question: LearnerQuestion) => unknown;

async function answered(answer: Answer, question: LearnerQuestion): Promise<unknown> {
  try {
    return (await answer(question)) ?? null;
  } catch {
    return null; // it is not known: the store, for one, says itself what is wrong with it
  }
}

function start(message: LearnerStart, balanced: Balanced, { log, tell }: SupervisedHost<FromLearner>) {
  const { memoryPath, settings, program, cluster } = message;
  const memory = openSharedMemory(memoryPath);
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
  const linked = openLearnerLink(cluster);
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
      cluster: cluster?.shares.includes("model") === true ? linked : null,
      knowledge: cluster?.shares.includes("learned") === true ? linked : null,
      balanced,
    },
    message.pools,
  );
  const feed = new OutcomeFeed(memory);
  const templates = new TemplateFeed(memory);
  pools.replay(feed.past().filter(({ atMs }) => atMs >= nowMs() - REPLAY_MS));
  keepAlive(memory.learnerCounters, LIFE_SIGNS, wallMs);
  // Outcomes are read just before they are needed, and the rings hold far more than come between two tables: to wake up
  // more often would cost more than all that is done then.
  let collectedAt = 0;
  const makeTables = async (): Promise<void> => {
    pools.beginRound();
    feed.drain((outcome) => pools.observe(outcome));
    if (pools.hasClasses) templates.drain((template) => pools.name(template));
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
        return pools.order(question.pool, question.order, question.version, question.scope);
    }
  };
  const close = async (): Promise<void> => {
    ending.abort();
    const { store } = await opening;
    await pools.close();
    linked?.link.close();
    await store.close();
  };
  return { answer, setServers, setPools: (list: readonly LearnerPool[]) => pools.set(list), close };
}
