/** Whether requests are held, judged by what they cost, on simulated time, with a real store. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { toLearnerSettings } from "../../../src/config/learner-settings.ts";
import { PoolLimits } from "../../../src/learning/holding/pool-limits.ts";
import { Resources } from "../../../src/learning/online/resources.ts";
import { HoldState, LearnerCounter, LearnerWord, VERDICT_KINDS } from "../../../src/shared/memory/layout/learning.ts";
import { SHARED_BYTES, viewSharedMemory } from "../../../src/shared/memory/layout/shared-memory.ts";
import { configOf } from "../../support/configuration.ts";
import { seeded } from "../../support/networks.ts";
import { recordingLogger } from "../../support/recording-logger.ts";
import { scratch } from "../storage/store-fixture.ts";

const POOL = { row: 2, name: "shop" };
const SLOTS = Int32Array.of(0, 1, 2);
const SIZE = 4;
const EPOCH_MS = 1_790_000_000_000;

let directory: ReturnType<typeof scratch>;
const open: Resources[] = [];
beforeEach(() => {
  directory = scratch();
});
afterEach(async () => {
  for (const { store } of open.splice(0)) await store.close();
  directory.remove();
});

async function resourcesHere(): Promise<Resources> {
  const settings = toLearnerSettings(configOf({ DATA_DIR: directory.path }));
  const resources = await Resources.open({ settings, log: recordingLogger().log, wallMs: () => EPOCH_MS });
  open.push(resources);
  return resources;
}

/** A pool of servers with a limit, in which a request takes so much longer where it is held. */
function setUp(heldMs: number) {
  const memory = viewSharedMemory(new ArrayBuffer(SHARED_BYTES));
  const { log, lines } = recordingLogger();
  const random = seeded(11);
  let nowMs = 1000;
  for (const slot of SLOTS) memory.servers.id[slot] = 100 + slot;
  const settings = toLearnerSettings(configOf({ DATA_DIR: directory.path }));
  const clocks = { nowMs: () => nowMs, wallOffsetMs: () => EPOCH_MS };
  const limits = new PoolLimits({ pool: POOL, memory, log, settings, part: () => 1, random, ...clocks });
  const { words } = memory.learned[POOL.row];
  const send = () => {
    const slot = SLOTS[Math.floor(random() * SLOTS.length)];
    const inFlight = Math.floor(random() * 3 * SIZE);
    const latencyMs = 20 * Math.max(1, (inFlight + 1) / SIZE) * (0.5 + random());
    const held = words[LearnerWord.HOLDING] === 1 ? heldMs : 0;
    const whose = { slot, serverId: 100 + slot, worker: 0, decision: 0 };
    limits.observe({ ...whose, latencyMs, heldMs: held, transferring: 0, failed: false, inFlight, atMs: nowMs });
  };
  /** @returns for how many of the milliseconds requests might be held. */
  const run = async (ms: number) => {
    let heldFor = 0;
    for (const endMs = nowMs + ms; nowMs < endMs; nowMs += 50) {
      limits.beginRound();
      for (let i = 0; i < 15; i++) send();
      await limits.tick(SLOTS);
      heldFor += words[LearnerWord.HOLDING] * 50;
    }
    return heldFor;
  };
  return { memory, limits, lines, run, state: () => words[LearnerWord.HOLD_STATE] };
}

test("holding that costs more than it saves is stopped with evidence, which is kept, counted and told", async () => {
  const resources = await resourcesHere();
  const { memory, limits, lines, run, state } = setUp(60);
  await limits.learn(resources);
  await run(20_000);
  expect(state()).toBe(HoldState.HOLDING);
  for (let i = 0; i < 60 && state() === HoldState.HOLDING; i++) await run(5_000);
  expect(state()).toBe(HoldState.STOPPED);
  await resources.store.flush();
  const verdicts = await resources.store.verdicts({ limit: 10, pool: "shop" });
  const stopped = verdicts.find(({ kind }) => kind === "holding_stopped");
  const numbers = { evidence: expect.any(Number), relative: expect.any(Number) };
  const reason = expect.stringContaining("fare worse");
  expect(stopped).toMatchObject({ modelVersion: null, reason, numbers });
  const counter = LearnerCounter.VERDICTS + VERDICT_KINDS.indexOf("holding_stopped");
  expect(memory.learnerCounters[counter]).toBeGreaterThan(0);
  expect(lines.some(({ level, verdict }) => level === "warn" && verdict === "holding_stopped")).toBe(true);

  // Whoever begins anew, in another process, goes on from there.
  await limits.close();
  const next = setUp(60);
  await next.limits.learn(resources);
  await next.run(2_000);
  expect(next.state()).toBe(HoldState.STOPPED);
});

test("holding that costs nothing goes on, with moments without it for comparison", async () => {
  const resources = await resourcesHere();
  const { memory, limits, run, state } = setUp(0);
  await limits.learn(resources);
  await run(20_000);
  const heldFor = await run(120_000);
  expect(state()).toBe(HoldState.HOLDING);
  expect(heldFor / 120_000).toBeGreaterThan(0.7);
  expect(heldFor / 120_000).toBeLessThan(0.99);
  const counter = LearnerCounter.VERDICTS + VERDICT_KINDS.indexOf("holding_stopped");
  expect(memory.learnerCounters[counter]).toBe(0);
});

test("what is found while the store is still being opened is kept once it is", async () => {
  const { limits, run, state } = setUp(60);
  for (let i = 0; i < 60 && state() !== HoldState.STOPPED; i++) await run(5_000);
  const resources = await resourcesHere();
  await limits.learn(resources);
  await resources.store.flush();
  const kinds = (await resources.store.verdicts({ limit: 10, pool: "shop" })).map(({ kind }) => kind);
  expect(kinds).toContain("holding_stopped");
  expect(state()).toBe(HoldState.STOPPED);
});
