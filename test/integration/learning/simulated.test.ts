/**
 * The whole loop on simulated time: the product's own strategy, rings, learner, judges, store and trainer process, in front of
 * servers that are queues. Ten minutes of traffic take seconds, and judges wait as long as they do in service.
 */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ml } from "../../../src/balancing/ml.ts";
import { toLearnerSettings } from "../../../src/config/learner-settings.ts";
import { Resources } from "../../../src/learning/online/resources.ts";
import { PoolLearner } from "../../../src/learning/pool-learner.ts";
import { SharedGauges } from "../../../src/learning/serving/pool-gauges.ts";
import { OutcomeFeed } from "../../../src/learning/serving/worker-rings.ts";
import { DecisionWriter } from "../../../src/proxy/pick/decision-log.ts";
import type { LearningState } from "../../../src/shared/explanation/learned.ts";
import { createRuntimeDirectory, createSharedMemory, removeRuntimeDirectory } from "../../../src/shared/memory/file.ts";
import { Header } from "../../../src/shared/memory/layout/shared-memory.ts";
import type { Model, Verdict } from "../../../src/storage/learning-store.ts";
import { estimatorTimes, leave } from "../../drill/learning/fixture.ts";
import { configOf } from "../../support/configuration.ts";
import { UNCLASSED } from "../../support/learning/unclassed.ts";
import { seeded } from "../../support/networks.ts";
import { recordingLogger } from "../../support/recording-logger.ts";

const MAIN = join(import.meta.dir, "../../../src/main.ts");
const TABLE_MS = 50;
const DRAIN_MS = 20;

/** How slow each server is; four requests at a time, the others wait. */
const SLOWNESS = [1, 1, 1, 1, 1.5, 1.5, 2, 2, 3, 3];
const PLACES = 4;
const LOAD = 0.7;
const RATE = 200 / 1000;
const SIGMA = 1;

/** Runs until `done` or so much simulated time has passed. */
async function simulate(
  seed: number,
  dataDir: string,
  mostMs: number,
  done: (now: { nowMs: number; models: LearningState }) => boolean,
): Promise<{ nowMs: number; verdicts: Verdict[]; models: Model[]; latencies: { atMs: number; ms: number }[] }> {
  const directory = createRuntimeDirectory();
  const memory = createSharedMemory(join(directory, "memory"));
  const random = seeded(seed);
  const slots = Int32Array.from(SLOWNESS, (_, slot) => slot);
  const { servers } = memory;
  memory.header[Header.WORKER_BLOCKS] = 1;
  for (const slot of slots) {
    servers.id[slot] = slot + 1;
    servers.weight[slot] = 1;
    servers.effectiveWeight[slot] = 1;
    servers.capacity[slot] = 10;
    servers.cpuUsagePercent[slot] = Number.NaN;
    servers.memoryUsagePercent[slot] = Number.NaN;
  }
  let nowMs = 0;
  const writer = new DecisionWriter(memory.rings[0], servers, memory.workers[0].counters, 0);
  const strategy = new Ml({
    fleet: { ...servers, identityHash: new Uint32Array(servers.id.length) },
    random,
    learned: memory.learned[0],
    decisions: writer,
  });
  strategy.onCandidates(slots, slots.length);
  const epochMs = Date.now() - mostMs;
  const { log } = recordingLogger();
  const wallMs = () => Math.round(epochMs + nowMs);
  const settings = toLearnerSettings(configOf({ DATA_DIR: dataDir }));
  const pool = new PoolLearner({
    pool: { row: 0, name: "default" },
    gauges: new SharedGauges(memory.learnerCounters).add(),
    part: () => 1,
    settings,
    program: [process.execPath, "--no-env-file", "--config=/dev/null", MAIN],
    memory,
    log,
    nowMs: () => nowMs,
    wallMs,
    wallOffsetMs: () => epochMs,
    stopwatch: () => performance.now(),
    random,
    nameOf: (id) => `http://server-${id} 10.0.0.${id}`,
  });
  const resources = await Resources.open({ settings, log, wallMs });
  await pool.learn(resources);
  const feed = new OutcomeFeed(memory);

  const capacity = SLOWNESS.reduce((sum, slowness) => sum + PLACES / slowness, 0);
  const meanServiceMs = (LOAD * capacity) / RATE;
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const service = (slot: number) => meanServiceMs * SLOWNESS[slot] * Math.exp(SIGMA * normal() - (SIGMA * SIGMA) / 2);
  /** By server and place: when it is free again. */
  const freeMs = SLOWNESS.map(() => new Float64Array(PLACES));
  const underWay: { endMs: number; slot: number; startMs: number; inFlight: number; decision: number }[] = [];
  const latencies: { atMs: number; ms: number }[] = [];
  let arrivalMs = 0;
  let drainMs = 0;

  const arrive = () => {
    const slot = strategy.pick(slots, slots.length, 0, nowMs);
    const inFlight = servers.inFlight[slot]++;
    const places = freeMs[slot];
    const place = places.indexOf(Math.min(...places));
    // First come, first served: who arrives now waits for the place that is free first.
    const endMs = Math.max(nowMs, places[place]) + service(slot);
    places[place] = endMs;
    underWay.push({ endMs, slot, startMs: nowMs, inFlight, decision: writer.last });
  };
  const finish = (index: number) => {
    const [{ slot, startMs, inFlight, decision }] = underWay.splice(index, 1);
    servers.inFlight[slot]--;
    strategy.onOutcome(slot, nowMs - startMs, false, nowMs, inFlight);
    const placed = { slot, serverId: slot + 1, dispatchedMs: startMs, inFlightAtDispatch: inFlight, decision };
    const attempt = { ...placed, ...UNCLASSED };
    writer.ended(attempt, false, nowMs);
    latencies.push({ atMs: nowMs, ms: nowMs - startMs });
  };
  try {
    for (let tableMs = 0; tableMs < mostMs; tableMs += TABLE_MS) {
      for (;;) {
        let next = -1;
        for (let i = 0; i < underWay.length; i++) if (next < 0 || underWay[i].endMs < underWay[next].endMs) next = i;
        const endMs = next < 0 ? Number.POSITIVE_INFINITY : underWay[next].endMs;
        const eventMs = Math.min(endMs, arrivalMs, drainMs);
        if (eventMs > tableMs) break;
        nowMs = eventMs;
        if (eventMs === drainMs) {
          pool.beginRound();
          feed.drain((outcome) => pool.observe(outcome));
          drainMs += DRAIN_MS;
        } else if (eventMs === endMs) finish(next);
        else {
          arrive();
          arrivalMs += -Math.log(1 - random()) / RATE;
        }
      }
      nowMs = tableMs;
      await pool.tick(slots);
      let models = pool.describe().models as LearningState;
      // The training takes real seconds, in which no simulated time passes.
      while (models.trainer_pid !== null) {
        await Bun.sleep(20);
        models = pool.describe().models as LearningState;
      }
      if (tableMs % 1000 === 0) await Bun.sleep(0); // the store's timers
      if (done({ nowMs, models })) break;
    }
    const { store } = resources;
    return {
      nowMs,
      verdicts: await store.verdicts({ limit: 500 }),
      models: await store.models({ limit: 100 }),
      latencies,
    };
  } finally {
    await pool.close();
    await resources.store.close();
    removeRuntimeDirectory(directory);
  }
}

/** Mean latency from `fromMs` on. */
function meanFrom(latencies: readonly { atMs: number; ms: number }[], fromMs: number): number {
  const late = latencies.filter(({ atMs }) => atMs >= fromMs);
  return late.reduce((sum, { ms }) => sum + ms, 0) / late.length;
}

test("a champion that is wrong for the fleet is promoted past within ten minutes of 200 requests a second", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "nb-simulated-"));
  try {
    const wrong = await leave(dataDir, estimatorTimes(-1), "champion");
    const { nowMs, verdicts, latencies } = await simulate(
      Number(process.env.LEARNING_SEED ?? 1),
      dataDir,
      600_000,
      ({ models }) => models.champion !== null && models.champion !== wrong,
    );
    if (process.env.DRILL_FIGURES !== undefined) {
      const wallMs = verdicts.at(-1)!.atMs;
      for (const { kind, reason, atMs } of verdicts.toReversed()) {
        console.error(`${((atMs - wallMs) / 1000).toFixed(0).padStart(5)} s  ${kind}: ${reason}`);
      }
      console.error(
        `promoted after ${nowMs / 1000} s; mean latency of the last minute ${meanFrom(latencies, nowMs - 60_000)} ms, of the first five seconds ${meanFrom(
          latencies.filter(({ atMs }) => atMs < 5000),
          0,
        )} ms`,
      );
    }
    expect(nowMs).toBeLessThan(600_000 - TABLE_MS);
    const promoted = verdicts.find(({ kind }) => kind === "promoted");
    expect(promoted?.modelVersion).not.toBe(wrong);
    expect(verdicts.find(({ kind }) => kind === "demoted")).toMatchObject({ modelVersion: wrong });
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}, 360_000);
