import { expect, test } from "bun:test";
import { PoolLimits } from "../../../../src/learning/holding/pool-limits.ts";
import { HoldState, LearnerFigure, LearnerWord } from "../../../../src/shared/memory/layout/learning.ts";
import { QueueWord } from "../../../../src/shared/memory/layout/queues.ts";
import { Header, SHARED_BYTES, viewSharedMemory } from "../../../../src/shared/memory/layout/shared-memory.ts";
import { seeded } from "../../../support/networks.ts";
import { recordingLogger } from "../../../support/recording-logger.ts";

const ROW = 3;
const SLOTS = Int32Array.of(1, 5);

/** A pool whose servers in `SLOTS` work on so many requests at once, with loads up to four times that. */
function setUp(sizes: readonly number[] = [4, 4]) {
  const memory = viewSharedMemory(new ArrayBuffer(SHARED_BYTES));
  const { log, lines } = recordingLogger();
  const random = seeded(3);
  let nowMs = 1000;
  for (const slot of SLOTS) memory.servers.id[slot] = 100 + slot;
  const limits = new PoolLimits({
    pool: { row: ROW, name: "shop" },
    memory,
    log,
    settings: { judgeSpeed: 1 },
    part: () => 1,
    nowMs: () => nowMs,
    wallOffsetMs: () => 0,
    random,
  });
  const outcome = (place: number, serverId = memory.servers.id[SLOTS[place]]) => {
    const inFlight = Math.floor(random() * 4 * sizes[place]);
    const growth = Math.max(1, (inFlight + 1) / sizes[place]);
    const latencyMs = 20 * growth * (0.5 + random());
    const whose = { slot: SLOTS[place], serverId, worker: 0, decision: 0 };
    return { ...whose, latencyMs, heldMs: 0, transferring: 0, failed: false, inFlight, atMs: nowMs };
  };
  const run = async (ms: number, { quiet = false } = {}) => {
    for (const endMs = nowMs + ms; nowMs < endMs; nowMs += 50) {
      limits.beginRound();
      for (let place = 0; !quiet && place < SLOTS.length; place++) {
        for (let i = 0; i < 5; i++) limits.observe(outcome(place));
      }
      await limits.tick(SLOTS);
    }
  };
  const { words, figures, limit, settledLimit, limitId } = memory.learned[ROW];
  const shown = () => ({
    limits: [...SLOTS].map((slot) => (limitId[slot] === memory.servers.id[slot] ? settledLimit[slot] : 0)),
    /** As workers are given them: with what is tried out. */
    given: [...SLOTS].map((slot) => limit[slot]),
    state: words[LearnerWord.HOLD_STATE],
    holding: words[LearnerWord.HOLDING],
    ageMs: nowMs - figures[LearnerFigure.LIMITS_MS],
    relaxation: figures[LearnerFigure.RELAXATION],
    patienceMs: figures[LearnerFigure.PATIENCE_MS],
  });
  const passMs = (ms: number) => {
    nowMs += ms;
  };
  return { memory, limits, lines, outcome, run, shown, passMs, nowMs: () => nowMs };
}

test("what servers work on at once is published with whose it is, and requests may be held from then on", async () => {
  const { run, shown, lines, memory } = setUp([4, 12]);
  await run(100, { quiet: true });
  expect(shown()).toMatchObject({ limits: [0, 0], state: HoldState.LEARNING, holding: 0 });
  await run(30_000);
  const { limits, given, state, holding, ageMs, patienceMs } = shown();
  expect(limits[0]).toBeGreaterThanOrEqual(4);
  expect(limits[0]).toBeLessThan(12);
  expect(limits[1]).toBeGreaterThanOrEqual(12);
  expect(limits[1]).toBeLessThan(36);
  for (const [place, limit] of given.entries()) {
    expect(limit).toBeGreaterThanOrEqual(limits[place] / 2);
    expect(limit).toBeLessThanOrEqual(limits[place] * 2 + 1);
  }
  expect(state).toBe(HoldState.HOLDING);
  expect(holding).toBeOneOf([0, 1]); // 0 in a moment of comparison
  expect(ageMs).toBeLessThanOrEqual(200);
  expect(patienceMs).toBeGreaterThan(0);
  expect(lines.filter(({ level }) => level === "info")).toHaveLength(1);
  // Another pool's part is untouched.
  expect(memory.learned[ROW + 1].words.every((word) => word === 0)).toBe(true);
});

test("where others send requests to the same servers, each has its part of the limits, and little patience", async () => {
  const { run, shown, memory } = setUp([8, 8]);
  const { peers } = memory;
  await run(30_000);
  const { ownLimit } = memory.learned[ROW];
  expect(SLOTS.map((slot) => ownLimit[slot])).toEqual(Int32Array.of(0, 0));
  const { patienceMs } = shown();
  for (const slot of SLOTS) {
    peers.inFlight[slot] = 3;
    memory.servers.inFlight[slot] = 4; // one of them is its own
  }
  await run(10_000);
  for (const [place, slot] of SLOTS.entries()) {
    expect(ownLimit[slot]).toBeWithin(1, shown().limits[place] / 2);
  }
  expect(shown().patienceMs).toBeLessThan(patienceMs / 10);
  peers.inFlight.fill(0);
  memory.servers.inFlight.fill(0);
  await run(10_000);
  expect(shown().patienceMs).toBeGreaterThan(patienceMs / 2);
});

test("of a server that takes its slot over nothing is known, and outcomes of the former one are not taken for its own", async () => {
  const { run, shown, memory, limits, outcome, passMs } = setUp();
  await run(30_000);
  expect(shown().limits[1]).toBeGreaterThan(0);
  memory.servers.id[SLOTS[1]] = 999;
  expect(shown().limits[1]).toBe(0); // workers go by the id
  await run(200, { quiet: true });
  expect(memory.learned[ROW].limitId[SLOTS[1]]).toBe(999);
  passMs(3000);
  limits.observe(outcome(1, 105));
  expect(limits.isAsleep).toBe(true); // nobody has heard that
  limits.observe(outcome(1));
  expect(limits.isAsleep).toBe(false);
});

test("a learner that begins anew knows what its predecessor had read", async () => {
  const { run, shown, limits, outcome } = setUp();
  for (let i = 0; i < 3000; i++) for (let place = 0; place < 2; place++) limits.replay(outcome(place));
  await run(100, { quiet: true });
  expect(shown().limits.every((limit) => limit > 0)).toBe(true);
});

test("it is asleep without traffic, and goes on saying that the limits hold", async () => {
  const { run, shown, limits, passMs } = setUp();
  await run(10_000);
  expect(limits.isAsleep).toBe(false);
  passMs(2500);
  expect(limits.isAsleep).toBe(true);
  const { limits: known, state } = shown();
  await limits.tick(SLOTS);
  expect(shown()).toMatchObject({ ageMs: 0, limits: known, state });
});

test("a queue that stands relaxes the limits, which is published and said once, whatever was learned", async () => {
  const { run, shown, lines, memory, nowMs } = setUp();
  await run(30_000);
  const { limits, relaxation } = shown();
  expect(relaxation).toBe(1);
  const { queues } = memory.workers[0];
  memory.header[Header.WORKER_BLOCKS] = 1;
  const at = ROW * QueueWord.LENGTH;
  // Those at their hard limits wait for nothing that was learned.
  queues[at + QueueWord.OLDEST_MS] = nowMs();
  await run(4000);
  expect(shown().relaxation).toBe(1);
  queues[at + QueueWord.HELD_NOW] = 1;
  await run(4000);
  const relaxed = shown();
  expect(relaxed.relaxation).toBeGreaterThanOrEqual(2);
  for (const [place, limit] of relaxed.limits.entries()) expect(limit).toBeGreaterThan(limits[place]);
  expect(lines.filter(({ level }) => level === "warn")).toHaveLength(1);
});

test("once limits are learned no more, nothing is held, whatever still comes", async () => {
  const { run, shown, limits, memory } = setUp();
  await run(30_000);
  await limits.leave();
  await limits.tick(SLOTS);
  expect(shown()).toMatchObject({ state: HoldState.OFF, holding: 0, patienceMs: 0 });
  expect(memory.learned[ROW].figures[LearnerFigure.LIMITS_MS]).toBe(0);
});
