/** Whatever numbers the shared memory and servers' reports hold, what the learner knows stays finite. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { FEATURE_NAMES } from "../../../../src/learning/features/feature-names.ts";
import { FEATURE_COUNT, FleetFeatures } from "../../../../src/learning/features/fleet-features.ts";
import { scaleInput } from "../../../../src/learning/models/network.ts";
import { NetworkModel } from "../../../../src/learning/models/network-model.ts";
import { readShippedNetwork } from "../../../../src/learning/models/shipped-model.ts";
import { readJudgeNote } from "../../../../src/learning/online/judging/judge-note.ts";
import { LearnerCore } from "../../../../src/learning/serving/learner-core.ts";
import { TableHistory } from "../../../../src/learning/serving/table-history.ts";
import { OutcomeFeed } from "../../../../src/learning/serving/worker-rings.ts";
import { parseLoadReport } from "../../../../src/proxy/record/load-report.ts";
import {
  LearnerCounter,
  LearnerWord,
  OUTCOME_ROWS,
  OutcomeWord,
  Rung,
  SCORE_COLUMNS,
} from "../../../../src/shared/memory/layout/learning.ts";
import {
  Header,
  MAX_SERVERS,
  SHARED_BYTES,
  viewSharedMemory,
} from "../../../../src/shared/memory/layout/shared-memory.ts";
import { RingWriter } from "../../../../src/shared/memory/ring.ts";

const SLOTS = Int32Array.of(1, 4, 6);
/** Any double there is, the awkward ones more often. */
const anyNumber = fc.oneof(
  fc.double(),
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e300, -1e300, 5e-324, -0, 0, 1e9),
);

function setUp() {
  const memory = viewSharedMemory(new ArrayBuffer(SHARED_BYTES));
  const { servers, learnerCounters } = memory;
  const learned = memory.learned[0];
  for (const slot of SLOTS) {
    servers.id[slot] = 100 + slot;
    servers.capacity[slot] = 10;
    servers.cpuUsagePercent[slot] = Number.NaN;
    servers.memoryUsagePercent[slot] = Number.NaN;
  }
  const core = new LearnerCore({
    pool: 0,
    fleet: servers,
    learned,
    counters: learnerCounters,
    history: new TableHistory(),
    stopwatch: () => 0,
  });
  core.setChampion({ version: 1, model: new NetworkModel(readShippedNetwork()) });
  core.order(Rung.MODEL, "");
  return { memory, servers, learned, counters: learnerCounters, core };
}

/** The costs that are shown of the champion. */
function shownCosts({ learned }: ReturnType<typeof setUp>): number[] {
  const row = (learned.words[LearnerWord.CHAMPION_TABLE] & 1) * MAX_SERVERS;
  return [...SLOTS].flatMap((slot) => [
    ...learned.cost.subarray((row + slot) * SCORE_COLUMNS, (row + slot + 1) * SCORE_COLUMNS),
  ]);
}

test("outcomes and usage of any value leave finite costs, and the model in charge", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          slot: fc.constantFrom(...SLOTS),
          latencyMs: anyNumber,
          failed: fc.boolean(),
          inFlight: fc.oneof(fc.integer(), fc.constantFrom(-40, 0, 0x7fff_ffff)),
          step: fc.integer({ min: 0, max: 5000 }),
          atMs: fc.option(anyNumber, { freq: 4 }),
          usage: anyNumber,
        }),
        { maxLength: 60 },
      ),
      async (outcomes) => {
        const made = setUp();
        const { core, servers } = made;
        let nowMs = 1000;
        for (const { slot, latencyMs, failed, inFlight, step, atMs, usage } of outcomes) {
          nowMs += step;
          servers.cpuUsagePercent[slot] = usage;
          servers.memoryUsagePercent[slot] = -usage;
          core.observe({ slot, serverId: servers.id[slot], latencyMs, failed, inFlight, atMs: atMs ?? nowMs });
        }
        await core.tick(SLOTS, nowMs);
        expect(core.rungReason).toBe("");
        for (const cost of shownCosts(made)) expect(cost > 0 && Number.isFinite(cost)).toBe(true);
      },
    ),
    {
      numRuns: 300,
      // What was found once: a response that took eleven days, beside usage that nobody knows.
      examples: [
        [
          [
            { slot: 4, latencyMs: 1e9, failed: false, inFlight: 0, step: 0, atMs: null, usage: Number.NaN },
            { slot: 4, latencyMs: 0, failed: false, inFlight: 0, step: 0, atMs: 29678.161468688726, usage: 0 },
            {
              slot: 1,
              latencyMs: 0,
              failed: false,
              inFlight: -40,
              step: 0,
              atMs: 143064.5588995348,
              usage: Number.NaN,
            },
          ],
        ],
      ],
    },
  );
});

test("one report of a server's cpu that no machine has does not take the model out", async () => {
  const made = setUp();
  for (const value of ["1e300", "NaN", "Infinity", "-1e308", "1e999", "0x7fffffff"]) {
    const { cpu } = parseLoadReport(`TEXT cpu_utilization=${value}`);
    expect(cpu).toBeUndefined();
    made.servers.cpuUsagePercent[4] = Number(value) * 100; // and should it get there all the same
    await made.core.tick(SLOTS, 1000);
    expect(made.core.rungReason).toBe("");
  }
  expect(shownCosts(made).every((cost) => cost > 0 && Number.isFinite(cost))).toBe(true);
});

test("the usage that a model sees is what models have seen: percent, or unknown", () => {
  const { servers } = setUp();
  const features = new FleetFeatures(servers);
  const row = new Float64Array(FEATURE_COUNT);
  const at = FEATURE_NAMES.indexOf("cpu_usage");
  for (const [stored, seen] of [
    [40, 40],
    [250, 100],
    [-1, Number.NaN],
    [1e302, Number.NaN],
    [Number.POSITIVE_INFINITY, Number.NaN],
  ]) {
    servers.cpuUsagePercent[1] = stored;
    features.begin(SLOTS, SLOTS.length, 1000);
    features.fillServer(1, row, 0);
    expect(row[at]).toBe(seen);
  }
});

test("rows of a ring that hold what no outcome can are counted as lost, not learned from", () => {
  const { memory, counters } = setUp();
  memory.header[Header.WORKER_BLOCKS] = 1;
  const feed = new OutcomeFeed(memory);
  const writer = new RingWriter(memory.rings[0].outcomes, OUTCOME_ROWS, OutcomeWord.LENGTH);
  const write = (slot: number, latencyMs: number, atMs: number) => {
    const { words, figures } = writer.ring;
    const at = writer.next();
    words[at + OutcomeWord.SLOT] = slot;
    figures[(at + OutcomeWord.LATENCY) >> 1] = latencyMs;
    figures[(at + OutcomeWord.TIME) >> 1] = atMs;
    writer.commit();
  };
  write(1, 10, 1000);
  for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY, -1, 1e300]) {
    write(1, wrong, 1000);
    write(1, 10, wrong);
  }
  write(-1, 10, 1000);
  write(MAX_SERVERS, 10, 1000);
  write(4, 12, 1001);
  const seen: number[] = [];
  feed.drain(({ latencyMs }) => seen.push(latencyMs));
  expect(seen).toEqual([10, 12]);
  expect(counters[LearnerCounter.SAMPLES]).toBe(2);
  expect(counters[LearnerCounter.SAMPLES_LOST]).toBe(10);
  expect(new OutcomeFeed(memory).past().map(({ latencyMs }) => latencyMs)).toEqual([10, 12]);
});

test("an input is scaled to a finite 32-bit number, whatever it and the scale are", () => {
  fc.assert(
    fc.property(anyNumber, anyNumber, anyNumber, (value, mean, scale) =>
      Number.isFinite(Math.fround(scaleInput(value, mean, scale))),
    ),
  );
});

describe("the judges' state out of the store", () => {
  const guardrail = { rung: 1, holdLeftMs: 5000, strikes: 2 };
  const lifecycle = {
    champion: 7,
    previous: null,
    candidate: { version: 8, stage: "canary" },
    watch: { leftMs: 1000, holdBack: null, record: 0.9 },
    paused: false,
  };

  test("is taken over as it was", () => {
    expect(readJudgeNote({ guardrail, lifecycle }) as unknown).toEqual({ guardrail, lifecycle });
  });

  test.each([
    { note: null },
    { note: "" },
    { note: [] },
    { note: { guardrail } },
    { note: { guardrail: { ...guardrail, rung: 7 }, lifecycle } },
    { note: { guardrail: { ...guardrail, holdLeftMs: 1e300 }, lifecycle } },
    { note: { guardrail: { ...guardrail, holdLeftMs: null }, lifecycle } },
    { note: { guardrail: { ...guardrail, strikes: -1 }, lifecycle } },
    { note: { guardrail, lifecycle: { ...lifecycle, champion: 0.5 } } },
    { note: { guardrail, lifecycle: { ...lifecycle, watch: { leftMs: 1, holdBack: null, record: null } } } },
  ])("is begun anew when it cannot be one: %j", ({ note }) => {
    expect(readJudgeNote(note)).toBeNull();
  });
});
