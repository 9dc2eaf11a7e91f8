/**
 * Pools that another strategy than `ml` balances, in the learner, on simulated time: samples of their traffic are kept as `ml`
 * would keep them, nothing else is done, and what was kept is there when the strategy becomes `ml`.
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { toLearnerSettings } from "../../../src/config/learner-settings.ts";
import type { Network } from "../../../src/learning/models/network.ts";
import { OBSERVED_PER_SECOND } from "../../../src/learning/observing/pool-observer.ts";
import { SAMPLES_PER_SECOND } from "../../../src/learning/online/attempts/sampler.ts";
import { Resources } from "../../../src/learning/online/resources.ts";
import { PoolLearner } from "../../../src/learning/pool-learner.ts";
import { PoolLearners } from "../../../src/learning/pool-learners.ts";
import { OutcomeFeed } from "../../../src/learning/serving/worker-rings.ts";
import type { LearnerPool } from "../../../src/protocol/learner.ts";
import { DecisionWriter } from "../../../src/proxy/pick/decision-log.ts";
import { OutcomeWriter } from "../../../src/proxy/pick/outcome-log.ts";
import {
  ARM_NAMES,
  DecisionArm,
  HoldState,
  LearnerCounter,
  LearnerFigure,
  LearnerWord,
  OTHER_STRATEGY_ARM,
  Rung,
} from "../../../src/shared/memory/layout/learning.ts";
import {
  Header,
  ServerState,
  SHARED_BYTES,
  type SharedMemory,
  viewSharedMemory,
} from "../../../src/shared/memory/layout/shared-memory.ts";
import type { Sample } from "../../../src/storage/learning-store.ts";
import { FINE_TUNE_DEFAULTS } from "../../../src/training/store/fine-tune.ts";
import { trainFromStore } from "../../../src/training/store/train-from-store.ts";
import { estimatorTimes } from "../../drill/learning/fixture.ts";
import { configOf } from "../../support/configuration.ts";
import { UNCLASSED } from "../../support/learning/unclassed.ts";
import { seeded } from "../../support/networks.ts";
import { recordingLogger } from "../../support/recording-logger.ts";
import { scratch } from "../storage/store-fixture.ts";

const TABLE_MS = 50;
const EPOCH_MS = 1_790_000_000_000;
const OBSERVED: LearnerPool = { row: 0, name: "default", observed: true, samples: true };
const BALANCED: LearnerPool = { row: 0, name: "default" };
const SHOP: LearnerPool = { row: 1, name: "shop" };
const SLOTS: readonly (readonly number[])[] = [
  [0, 2, 4],
  [1, 3],
];
const SLOWNESS = [1, 2, 3, 1.5];

/** A learner of two pools without its process, and traffic that servers get in turn, whatever is learned. */
class Instance {
  readonly memory: SharedMemory = viewSharedMemory(new ArrayBuffer(SHARED_BYTES));
  readonly lines = recordingLogger();
  readonly pools: PoolLearners;
  readonly samples: Sample[] = [];
  readonly resources: Resources;
  readonly #feed = new OutcomeFeed(this.memory);
  readonly #decisions = new DecisionWriter(
    this.memory.rings[0],
    this.memory.servers,
    this.memory.workers[0].counters,
    0,
  );
  readonly #outcomes = new OutcomeWriter(this.memory.rings[0], 0);
  readonly #random = seeded(5);
  #underWay: { endMs: number; startMs: number; slot: number; inFlight: number; decision: number; failed: boolean }[] =
    [];
  #placed = 0;
  nowMs = 1000;

  private constructor(resources: Resources, pools: readonly LearnerPool[], settings: ReturnType<typeof settingsIn>) {
    const { servers, header } = this.memory;
    header[Header.WORKER_BLOCKS] = 1;
    for (const [row, slots] of SLOTS.entries()) {
      for (const slot of slots) {
        servers.id[slot] = 100 + slot;
        servers.pool[slot] = row;
        servers.state[slot] = ServerState.UP;
        servers.effectiveWeight[slot] = 1;
        servers.weight[slot] = 1;
        servers.capacity[slot] = 10;
      }
    }
    header[Header.TABLE_VERSION] += 2;
    this.resources = resources;
    const { store } = resources;
    const append = store.appendSamples.bind(store);
    store.appendSamples = (batch) => {
      this.samples.push(...batch);
      append(batch);
    };
    this.pools = new PoolLearners(
      {
        settings,
        program: [process.execPath, "-e", "process.exit(1)"],
        memory: this.memory,
        log: this.lines.log,
        nowMs: () => this.nowMs,
        wallMs: () => EPOCH_MS + this.nowMs,
        wallOffsetMs: () => EPOCH_MS,
        stopwatch: () => 0,
        random: seeded(1),
        nameOf: (id) => `http://server-${id} 10.0.0.${id}`,
        balanced: (options) => new PoolLearner(options),
      },
      pools,
    );
  }

  static async of(dataDir: string, ...pools: LearnerPool[]): Promise<Instance> {
    const settings = settingsIn(dataDir);
    const { log } = recordingLogger();
    const resources = await Resources.open({ settings, log, wallMs: () => EPOCH_MS });
    const instance = new Instance(resources, pools, settings);
    await instance.pools.learn(resources);
    return instance;
  }

  /** @param rates requests a second to each pool, by row. @param decided rows whose requests `ml` places. */
  async run(ms: number, rates: readonly number[], decided: readonly number[] = []): Promise<void> {
    const endMs = this.nowMs + ms;
    for (; this.nowMs < endMs; this.nowMs += TABLE_MS) {
      this.#finish();
      for (const [row, perSecond] of rates.entries()) {
        const due = (at: number) => Math.floor((at * perSecond) / 1000);
        const count = due(this.nowMs) - due(this.nowMs - TABLE_MS);
        for (let i = 0; i < count; i++) this.#place(SLOTS[row], decided.includes(row));
      }
      this.pools.beginRound();
      this.#feed.drain((outcome) => this.pools.observe(outcome));
      await this.pools.tick();
      if (this.nowMs % 1000 === 0) await Bun.sleep(0); // the store's timers
    }
  }

  async end(): Promise<void> {
    await this.pools.close();
    await this.resources.store.close();
  }

  #place(slots: readonly number[], decided: boolean): void {
    const { inFlight } = this.memory.servers;
    const slot = slots[this.#placed++ % slots.length];
    // Between two looks of the learner, as it is in life.
    const startMs = this.nowMs + 1 + 40 * this.#random();
    if (decided) {
      this.#decisions.record({
        slot,
        arm: DecisionArm.CHAMPION,
        rung: Rung.ESTIMATOR,
        propensity: 1,
        table: 0,
        candidates: Int32Array.from(slots),
        count: slots.length,
        loads: new Int32Array(slots.length),
        scores: new Float64Array(slots.length),
        nowMs: startMs,
      });
    }
    this.#underWay.push({
      endMs: startMs + 10 * SLOWNESS[slot % 4] * (0.5 + this.#random()),
      startMs,
      slot,
      inFlight: inFlight[slot]++,
      decision: decided ? this.#decisions.last : 0,
      failed: this.#random() < 0.05,
    });
  }

  #finish(): void {
    const ended = this.#underWay.filter(({ endMs }) => endMs <= this.nowMs).sort((a, b) => a.endMs - b.endMs);
    this.#underWay = this.#underWay.filter(({ endMs }) => endMs > this.nowMs);
    const { servers } = this.memory;
    for (const { endMs, startMs, slot, inFlight, decision, failed } of ended) {
      servers.inFlight[slot]--;
      const ending = {
        slot,
        serverId: servers.id[slot],
        dispatchedMs: startMs,
        inFlightAtDispatch: inFlight,
        decision,
        ...UNCLASSED,
      };
      this.#outcomes.ended(ending, failed, endMs);
    }
  }
}

function settingsIn(dataDir: string) {
  return toLearnerSettings(configOf({ DATA_DIR: dataDir, ML_TRAIN_INTERVAL_SECONDS: "86400" }));
}

const directories: ReturnType<typeof scratch>[] = [];
const open: Instance[] = [];
let dataDir: string;
beforeEach(() => {
  directories.push(scratch());
  dataDir = directories.at(-1)!.path;
});
afterEach(async () => {
  for (const instance of open.splice(0)) await instance.end();
  for (const directory of directories.splice(0)) directory.remove();
});

async function begin(...pools: LearnerPool[]): Promise<Instance> {
  const instance = await Instance.of(dataDir, ...pools);
  open.push(instance);
  return instance;
}

const stored = (instance: Instance, pool = "default") => instance.resources.store.countSamples(pool);

describe("samples", () => {
  test("are those that `ml` would keep: of the same attempts, with the same features, but for who placed them", async () => {
    const observed = await begin(OBSERVED);
    await observed.run(30_000, [20]);
    await observed.end();
    const balanced = await begin(BALANCED);
    await balanced.run(30_000, [20], [0]);
    await balanced.end();
    open.length = 0;
    expect(observed.samples.length).toBeGreaterThan(500);
    const shown = ({ arm: _arm, modelVersion: _version, features, ...rest }: Sample) => ({
      ...rest,
      features: [...features],
    });
    expect(observed.samples.map(shown)).toEqual(balanced.samples.map(shown));
    expect(new Set(observed.samples.map(({ arm }) => arm))).toEqual(new Set([OTHER_STRATEGY_ARM]));
    expect(new Set(observed.samples.map(({ modelVersion }) => modelVersion))).toEqual(new Set([0]));
    expect(observed.samples.some(({ failed }) => failed)).toBe(true);
  });

  test("say that the probability is not known: by an arm that no decision has, so that no judge takes it for one", async () => {
    expect(Object.keys(ARM_NAMES)).not.toContain(String(OTHER_STRATEGY_ARM));
    const instance = await begin(OBSERVED);
    await instance.run(5000, [20]);
    expect(instance.samples.every(({ propensity }) => propensity === 1)).toBe(true);
  });

  test("are no more a second than a small number, however much traffic and however many pools there are", async () => {
    const instance = await begin(OBSERVED, { ...SHOP, observed: true, samples: true });
    await instance.run(20_000, [1000, 1000]);
    const most = OBSERVED_PER_SECOND * 20;
    expect(instance.samples.length).toBeGreaterThan(most / 2);
    expect(instance.samples.length).toBeLessThan(most * 1.3); // the first second is not known yet
    const of = (name: string) => instance.samples.filter(({ pool }) => pool === name).length;
    expect(of("default") / of("shop")).toBeCloseTo(1, 0);
  });

  test("of a pool that is balanced are as many as without those that are observed", async () => {
    const instance = await begin(OBSERVED, SHOP);
    await instance.run(20_000, [1000, 1000], [1]);
    const kept = instance.samples.filter(({ pool }) => pool === "shop").length;
    expect(kept).toBeGreaterThan(SAMPLES_PER_SECOND * 20 * 0.7);
  });
});

describe("a pool that is only observed", () => {
  test("has no model, no tables and no judges: nothing of it is shown to workers", async () => {
    const instance = await begin(OBSERVED);
    const { memory, pools } = instance;
    await instance.run(10_000, [100]);
    const { words, figures, rowId, cost } = memory.learned[0];
    for (const shown of [words, figures, rowId, cost]) expect(shown.every((value: number) => value === 0)).toBe(true);
    const counters = memory.learnerCounters;
    for (const counter of [LearnerCounter.TABLES, LearnerCounter.SCORES, LearnerCounter.MODEL_UNUSABLE]) {
      expect(counters[counter]).toBe(0);
    }
    expect(counters[LearnerCounter.SAMPLES]).toBeGreaterThan(900);
    expect(counters[LearnerCounter.SAMPLES_KEPT]).toBe(instance.samples.length);
    expect(pools.describe(null)).toEqual({});
    expect(pools.explain("some request", null)).toBeNull();
    expect(await pools.order("default", "train", null)).toEqual({
      done: false,
      message: "the pool default is not balanced by ml: it has no models",
    });
    expect(await instance.resources.store.models({ limit: 10 })).toEqual([]);
    expect(instance.lines.lines).toEqual([]);
  });

  test("is balanced at once when its strategy becomes `ml`, by what is known of its servers, and has its samples", async () => {
    const instance = await begin(OBSERVED);
    const { memory, pools } = instance;
    await instance.run(30_000, [100]);
    await instance.resources.store.flush();
    const before = await stored(instance);
    expect(before).toBeGreaterThan(1000);
    pools.set([BALANCED]);
    await instance.run(1000, [100], [0]);
    expect(memory.learned[0].figures[LearnerFigure.TABLE_MS]).toBeGreaterThan(30_000);
    expect(memory.learned[0].words[LearnerWord.CHAMPION_MODEL]).toBe(1);
    const { servers, mean_latency_ms: meanMs } = pools.describe(null).default;
    expect(meanMs).toBeGreaterThan(10);
    // Known for longer than a second: of the size of servers nothing was forgotten.
    expect(servers!.every(({ features }) => (features.log_answers ?? 0) > Math.log(30))).toBe(true);
    await instance.run(5000, [100], [0]);
    await instance.resources.store.flush();
    expect(await stored(instance)).toBeGreaterThan(before + 300);
    expect(instance.samples.at(-1)).toMatchObject({ arm: DecisionArm.CHAMPION });
  });

  test("that was balanced leaves nothing behind that workers would believe, and samples go on", async () => {
    const instance = await begin(BALANCED, SHOP);
    const { memory, pools } = instance;
    await instance.run(5000, [100, 100], [0, 1]);
    expect(memory.learned[0].figures[LearnerFigure.TABLE_MS]).toBeGreaterThan(0);
    pools.set([OBSERVED, SHOP]);
    expect(memory.learned[0].figures[LearnerFigure.TABLE_MS]).toBe(0);
    expect(memory.learned[0].words[LearnerWord.RUNG]).toBe(Rung.ESTIMATOR);
    const before = instance.samples.length;
    await instance.run(5000, [100, 100], [1]);
    expect(memory.learned[0].figures[LearnerFigure.TABLE_MS]).toBe(0);
    expect(memory.learned[1].figures[LearnerFigure.TABLE_MS]).toBeGreaterThan(9000);
    expect(Object.keys(pools.describe(null))).toEqual(["shop"]);
    const since = instance.samples.slice(before).filter(({ pool }) => pool === "default");
    expect(since.at(-1)).toMatchObject({ arm: OTHER_STRATEGY_ARM });
    // And once more, and back: the champion is the one that it was.
    pools.set([BALANCED, SHOP]);
    pools.set([OBSERVED, SHOP]);
    pools.set([BALANCED, SHOP]);
    await instance.run(2000, [100, 100], [0, 1]);
    const models = await instance.resources.store.models({ limit: 10, pool: "default" });
    expect(models.map(({ status }) => status)).toEqual(["champion"]);
    expect(memory.learned[0].words[LearnerWord.CHAMPION_MODEL]).toBe(models[0].version);
  });
});

test("limits are learned whatever else is, and go on while the strategy changes; without them the rest goes on", async () => {
  const only: LearnerPool = { row: 0, name: "default", observed: true, limits: true };
  const instance = await begin(only, SHOP);
  const { memory, pools } = instance;
  const { words, figures } = memory.learned[0];
  await instance.run(5000, [100, 100], [1]);
  expect(figures[LearnerFigure.LIMITS_MS]).toBeGreaterThan(5800);
  expect(words[LearnerWord.HOLD_STATE]).not.toBe(HoldState.OFF);
  expect(memory.learned[1].figures[LearnerFigure.LIMITS_MS]).toBe(0);
  expect(instance.samples.filter(({ pool }) => pool === "default")).toEqual([]);
  pools.set([{ ...BALANCED, limits: true }, SHOP]);
  expect(figures[LearnerFigure.LIMITS_MS]).toBeGreaterThan(0); // whoever learns them has stayed
  await instance.run(1000, [100, 100], [0, 1]);
  expect(figures[LearnerFigure.TABLE_MS]).toBeGreaterThan(6500);
  expect(figures[LearnerFigure.LIMITS_MS]).toBeGreaterThan(6500);
  pools.set([{ ...OBSERVED, limits: true }, SHOP]);
  expect(figures[LearnerFigure.TABLE_MS]).toBe(0);
  expect(figures[LearnerFigure.LIMITS_MS]).toBeGreaterThan(6500);
  pools.set([OBSERVED, SHOP]);
  expect(words[LearnerWord.HOLD_STATE]).toBe(HoldState.OFF);
  await instance.run(2000, [100, 100], [1]);
  expect(figures[LearnerFigure.LIMITS_MS]).toBe(0);
  expect(instance.samples.filter(({ pool }) => pool === "default").length).toBeGreaterThan(20);
});

test("a model is trained on what was observed alone", async () => {
  const instance = await begin(OBSERVED);
  await instance.run(60_000, [300]);
  await instance.resources.store.flush();
  const shipped = (): Network => estimatorTimes(1);
  const options = { ...FINE_TUNE_DEFAULTS, pool: "default", rows: 10_000, halfLifeMs: 3_600_000, seed: 1 };
  const { report } = await trainFromStore(instance.resources.store, shipped, options);
  expect(report.rows + report.heldOut).toBeGreaterThan(2500);
  expect(report.samples.unusable).toBe(0);
  // No sample counts for more than another but for its age: no probability is made up.
  expect(report.effectiveRows / report.rows).toBeGreaterThan(0.99);
});
