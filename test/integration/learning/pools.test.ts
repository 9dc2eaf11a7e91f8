/**
 * Two pools with `ml` in one learner, on simulated time. What happens in one must not show in the other, in nothing: so the
 * same traffic is given to one pool twice, beside a neighbour that is well and beside one that melts down.
 */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ml } from "../../../src/balancing/ml.ts";
import { toLearnerSettings } from "../../../src/config/learner-settings.ts";
import { encodeModelFiles } from "../../../src/learning/models/files/model-files.ts";
import { Resources } from "../../../src/learning/online/resources.ts";
import { PoolLearner, type PoolLearnerOptions } from "../../../src/learning/pool-learner.ts";
import { PoolLearners } from "../../../src/learning/pool-learners.ts";
import { OutcomeFeed } from "../../../src/learning/serving/worker-rings.ts";
import type { LearnerPool } from "../../../src/protocol/learner.ts";
import { DecisionWriter } from "../../../src/proxy/pick/decision-log.ts";
import {
  LearnerCounter,
  LearnerFigure,
  LearnerWord,
  Rung,
  SCORE_COLUMNS,
} from "../../../src/shared/memory/layout/learning.ts";
import {
  Header,
  ServerState,
  SHARED_BYTES,
  type SharedMemory,
  viewSharedMemory,
} from "../../../src/shared/memory/layout/shared-memory.ts";
import type { LearningStore } from "../../../src/storage/learning-store.ts";
import { openLearningStore } from "../../../src/storage/open-store.ts";
import { estimatorTimes } from "../../drill/learning/fixture.ts";
import { configOf } from "../../support/configuration.ts";
import { UNCLASSED } from "../../support/learning/unclassed.ts";
import { seeded } from "../../support/networks.ts";
import { recordingLogger } from "../../support/recording-logger.ts";
import { at, read } from "../storage/store-fixture.ts";

const TABLE_MS = 50;
const PER_TABLE = 2;
const CALM: LearnerPool = { row: 0, name: "default" };
const SHOP: LearnerPool = { row: 3, name: "shop" };
/** Slots of the two lie between each other; by row. */
const SLOTS: Readonly<Record<number, readonly number[]>> = { 0: [0, 2, 4, 6], 3: [1, 3, 5, 8] };
const SLOWNESS = [1, 1.3, 2, 4];

interface Neighbour {
  readonly latency: number;
  readonly failures: number;
}

const WELL: Neighbour = { latency: 1, failures: 0 };
const MELTING: Neighbour = { latency: 60, failures: 0.7 };

/** An instance without its processes: shared memory, a worker's strategies, and a learner that may be begun anew. */
class Instance {
  readonly memory: SharedMemory = viewSharedMemory(new ArrayBuffer(SHARED_BYTES));
  readonly lines = recordingLogger();
  readonly #writer: DecisionWriter;
  readonly #traffic: { pool: LearnerPool; slots: Int32Array; strategy: Ml; random: () => number }[] = [];
  readonly #settings;
  readonly #epochMs = 1_790_000_000_000;
  #underWay: {
    endMs: number;
    startMs: number;
    slot: number;
    inFlight: number;
    decision: number;
    failed: boolean;
    of: Ml;
  }[] = [];
  nowMs = 0;
  pools!: PoolLearners;
  resources!: Resources;
  #feed!: OutcomeFeed;

  constructor(dataDir: string) {
    const { servers, header, rings, workers, learned } = this.memory;
    header[Header.WORKER_BLOCKS] = 1;
    this.#writer = new DecisionWriter(rings[0], servers, workers[0].counters, 0);
    for (const pool of [CALM, SHOP]) {
      const slots = Int32Array.from(SLOTS[pool.row]);
      for (const slot of slots) this.put(slot, 100 + slot, pool.row);
      const random = seeded(7 + pool.row);
      const fleet = { ...servers, identityHash: new Uint32Array(servers.id.length) };
      const strategy = new Ml({ fleet, random, learned: learned[pool.row], decisions: this.#writer });
      strategy.onCandidates(slots, slots.length);
      this.#traffic.push({ pool, slots, strategy, random });
    }
    this.#settings = toLearnerSettings(configOf({ DATA_DIR: dataDir }));
  }

  put(slot: number, id: number, row: number): void {
    const { servers, header } = this.memory;
    servers.id[slot] = id;
    servers.pool[slot] = row;
    servers.state[slot] = ServerState.UP;
    servers.weight[slot] = 1;
    servers.effectiveWeight[slot] = 1;
    servers.capacity[slot] = 10;
    servers.cpuUsagePercent[slot] = Number.NaN;
    servers.memoryUsagePercent[slot] = Number.NaN;
    header[Header.TABLE_VERSION] += 2;
  }

  get store(): LearningStore {
    return this.resources.store;
  }

  async begin(): Promise<void> {
    const wallMs = () => Math.round(this.#epochMs + this.nowMs);
    const { log } = this.lines;
    const options = {
      settings: this.#settings,
      program: [process.execPath, "-e", "process.exit(1)"],
      memory: this.memory,
      log,
      nowMs: () => this.nowMs,
      wallMs,
      wallOffsetMs: () => this.#epochMs,
      stopwatch: () => 0,
      random: seeded(1),
      nameOf: (id: number) => `http://server-${id} 10.0.0.${id}`,
      balanced: (of: PoolLearnerOptions) => new PoolLearner(of),
    };
    this.pools = new PoolLearners(options, [CALM, SHOP]);
    this.resources = await Resources.open({ settings: this.#settings, log, wallMs });
    await this.pools.learn(this.resources);
    this.#feed = new OutcomeFeed(this.memory);
  }

  async end(): Promise<void> {
    await this.pools.close();
    await this.store.close();
  }

  /** Lets so much time pass, with traffic to both pools. @param onTable called after each table. */
  async run(ms: number, shop: Neighbour, onTable: () => void = () => {}): Promise<void> {
    const endMs = this.nowMs + ms;
    while (this.nowMs < endMs) {
      this.#finish();
      for (const { pool, slots, strategy, random } of this.#traffic) {
        for (let i = 0; i < PER_TABLE; i++) this.#place(slots, strategy, random, pool === SHOP ? shop : WELL);
      }
      this.pools.beginRound();
      this.#feed.drain((outcome) => this.pools.observe(outcome));
      await this.pools.tick();
      onTable();
      this.nowMs += TABLE_MS;
      if (this.nowMs % 1000 === 0) await Bun.sleep(0); // the store's timers
    }
  }

  /** One request to a pool, by name. */
  request(pool: LearnerPool, id: string): void {
    const bytes = Buffer.from(id, "latin1");
    this.#writer.setRequest(bytes, 0, bytes.length);
    const { slots, strategy } = this.#traffic.find((one) => one.pool === pool)!;
    strategy.pick(slots, slots.length, 0, this.nowMs);
  }

  #place(slots: Int32Array, strategy: Ml, random: () => number, { latency, failures }: Neighbour): void {
    const { inFlight } = this.memory.servers;
    const slot = strategy.pick(slots, slots.length, 0, this.nowMs);
    const slowness = SLOWNESS[slots.indexOf(slot)];
    const ms = 10 * slowness * latency * (0.5 + random());
    this.#underWay.push({
      endMs: this.nowMs + ms,
      startMs: this.nowMs,
      slot,
      inFlight: inFlight[slot]++,
      decision: this.#writer.last,
      failed: random() < failures,
      of: strategy,
    });
  }

  #finish(): void {
    const ended = this.#underWay.filter(({ endMs }) => endMs <= this.nowMs).sort((a, b) => a.endMs - b.endMs);
    this.#underWay = this.#underWay.filter(({ endMs }) => endMs > this.nowMs);
    const { servers } = this.memory;
    for (const { endMs, startMs, slot, inFlight, decision, failed, of } of ended) {
      servers.inFlight[slot]--;
      of.onOutcome(slot, endMs - startMs, failed, endMs, inFlight);
      const attempt = {
        slot,
        serverId: servers.id[slot],
        dispatchedMs: startMs,
        inFlightAtDispatch: inFlight,
        decision,
        ...UNCLASSED,
      };
      this.#writer.ended(attempt, failed, endMs);
    }
  }

  /** All that the learner shows of a pool: its words and figures, and its rows of all tables. */
  shown({ row }: LearnerPool): string {
    const { words, figures, rowId, cost } = this.memory.learned[row];
    const slots = this.memory.servers.id.length;
    const parts: unknown[] = [[...words], [...figures]];
    for (let table = 0; table * slots < rowId.length; table++) {
      for (const slot of SLOTS[row]) {
        const at = table * slots + slot;
        parts.push(rowId[at], [...cost.subarray(at * SCORE_COLUMNS, (at + 1) * SCORE_COLUMNS)]);
      }
    }
    return JSON.stringify(parts);
  }

  word({ row }: LearnerPool, word: number): number {
    return this.memory.learned[row].words[word];
  }
}

/** A store in which the shop's champion is wrong for any fleet: it prefers what is slow. */
async function storeWithWrongModel(dataDir: string): Promise<number> {
  const { store } = await openLearningStore(at(dataDir), { nowMs: () => 0 });
  const version = await store.insertModel({
    pool: SHOP.name,
    createdAtMs: 1,
    origin: "trained",
    parentVersion: null,
    status: "champion",
    files: encodeModelFiles(estimatorTimes(-1)),
    report: null,
  });
  await store.close();
  return version;
}

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "nb-pools-"));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

test("a pool that melts down changes nothing in its neighbour: tables, champion, verdicts and samples", async () => {
  const seen: { tables: string[]; champion: unknown; verdicts: unknown; samples: unknown }[] = [];
  const shops: { verdicts: number; last: string }[] = [];
  for (const neighbour of [WELL, MELTING]) {
    const dataDir = join(base, String(neighbour.latency));
    await storeWithWrongModel(dataDir);
    const instance = new Instance(dataDir);
    await instance.begin();
    const tables: string[] = [];
    await instance.run(5_000, WELL);
    await instance.pools.order(CALM.name, "pause", null);
    await instance.run(40_000, neighbour, () => void tables.push(instance.shown(CALM)));
    await instance.end();
    const { store } = await openLearningStore(at(dataDir), { nowMs: () => 0 });
    const { rows } = await read(store, { pool: CALM.name });
    seen.push({
      tables,
      champion: await store.champion(CALM.name),
      verdicts: await store.verdicts({ limit: 100, pool: CALM.name }),
      samples: rows,
    });
    shops.push({
      verdicts: (await store.verdicts({ limit: 100, pool: SHOP.name })).length,
      last: instance.shown(SHOP),
    });
    expect(await store.countSamples(SHOP.name)).toBeGreaterThan(100);
    await store.close();
  }
  const [well, melting] = seen;
  expect(melting.tables.length).toBe(800);
  expect(new Set(melting.tables).size).toBeGreaterThan(700);
  for (let i = 0; i < 800; i++) if (well.tables[i] !== melting.tables[i]) throw new Error(`table ${i} differs`);
  expect(melting.champion).toEqual(well.champion);
  expect(melting.verdicts).toMatchObject([{ kind: "paused" }]);
  expect(melting.verdicts).toEqual(well.verdicts);
  expect((melting.samples as unknown[]).length).toBeGreaterThan(500);
  expect(melting.samples).toEqual(well.samples);
  expect(shops[1]).not.toEqual(shops[0]);
});

test("a learner that is begun anew has each pool's champion, judges and samples, and goes on with them", async () => {
  const wrong = await storeWithWrongModel(base);
  const instance = new Instance(base);
  await instance.begin();
  await instance.run(40_000, WELL);
  const demoted = await instance.store.verdicts({ limit: 100, pool: SHOP.name });
  expect(demoted.find(({ kind }) => kind === "demoted")).toMatchObject({ pool: SHOP.name, modelVersion: wrong });
  expect(instance.word(SHOP, LearnerWord.RUNG)).toBe(Rung.ESTIMATOR);
  expect(instance.word(CALM, LearnerWord.RUNG)).toBe(Rung.MODEL);
  const calm = instance.word(CALM, LearnerWord.CHAMPION_MODEL);
  expect(calm).not.toBe(wrong);
  await instance.end();

  const before = instance.memory.learnerCounters[LearnerCounter.SAMPLES];
  await instance.begin();
  await instance.run(500, WELL);
  expect(instance.word(SHOP, LearnerWord.RUNG)).toBe(Rung.ESTIMATOR);
  expect(instance.word(CALM, LearnerWord.RUNG)).toBe(Rung.MODEL);
  expect(instance.word(SHOP, LearnerWord.CHAMPION_MODEL)).toBe(wrong);
  expect(instance.word(CALM, LearnerWord.CHAMPION_MODEL)).toBe(calm);
  expect(instance.memory.learnerCounters[LearnerCounter.SAMPLES]).toBeGreaterThan(before);
  for (const { name } of [CALM, SHOP]) expect(await instance.store.countSamples(name)).toBeGreaterThan(100);
  await instance.end();
});

test("an order is for one pool, and a model for its own", async () => {
  const wrong = await storeWithWrongModel(base);
  const instance = new Instance(base);
  await instance.begin();
  const { pools, store } = instance;
  const files = (await store.modelFiles(wrong))!;
  const more = {
    createdAtMs: 2,
    origin: "trained",
    parentVersion: wrong,
    status: "candidate",
    files,
    report: null,
  } as const;
  const better = await store.insertModel({ ...more, pool: SHOP.name });
  await instance.run(500, WELL);
  const calm = instance.word(CALM, LearnerWord.CHAMPION_MODEL);
  expect(await pools.order(CALM.name, "promote", better)).toEqual({
    done: false,
    message: `model ${better} is of the pool shop, not of default`,
  });
  expect(await pools.order(SHOP.name, "promote", better)).toMatchObject({ done: true });
  expect(await pools.order("other", "promote", better)).toBeNull();
  await instance.run(2_000, WELL);
  expect(instance.word(SHOP, LearnerWord.CHAMPION_MODEL)).toBe(better);
  expect(instance.word(CALM, LearnerWord.CHAMPION_MODEL)).toBe(calm);
  expect(await store.champion(SHOP.name)).toMatchObject({ version: better });
  expect(await store.champion(CALM.name)).toMatchObject({ version: calm });
  expect(Object.keys(pools.describe(null))).toEqual([CALM.name, SHOP.name]);
  expect(Object.keys(pools.describe(SHOP.name))).toEqual([SHOP.name]);
  expect(instance.lines.lines.filter(({ pool }) => pool === SHOP.name).length).toBeGreaterThan(0);
  await instance.end();
});

test("a request is explained by the tables of its pool, and by that pool's servers alone", async () => {
  const instance = new Instance(base);
  await instance.begin();
  await instance.run(2_000, WELL);
  instance.request(SHOP, "of-the-shop");
  const { pools } = instance;
  const attempt = pools.explain("of-the-shop", null)?.attempts[0];
  expect(attempt).toMatchObject({
    pool: "shop",
    table: { model_version: instance.word(SHOP, LearnerWord.CHAMPION_MODEL) },
  });
  const ids = SLOTS[SHOP.row].map((slot) => 100 + slot);
  expect(attempt?.candidates.map(({ server_id: id }) => id).sort()).toEqual(ids);
  expect(attempt?.ineligible).toEqual([]);
  expect(pools.explain("of-the-shop", SHOP.name)?.attempts).toHaveLength(1);
  expect(pools.explain("of-the-shop", CALM.name)).toBeNull();
  expect(pools.explain("unknown", null)).toBeNull();
  pools.set([SHOP]);
  expect(pools.explain("of-the-shop", null)?.attempts[0].pool).toBeUndefined();
  await instance.end();
});

test("pools go and come: the others keep everything, and a slot that changed hands gives nothing away", async () => {
  await storeWithWrongModel(base);
  const instance = new Instance(base);
  await instance.begin();
  await instance.run(3_000, WELL);
  const { pools, memory } = instance;
  const champion = instance.word(CALM, LearnerWord.CHAMPION_MODEL);
  pools.set([CALM]);
  expect(instance.word(SHOP, LearnerWord.RUNG)).toBe(Rung.ESTIMATOR);
  expect(instance.word(SHOP, LearnerWord.CHAMPION_MODEL)).toBe(0);
  const left = instance.shown(SHOP);
  await instance.run(1_000, WELL);
  expect(instance.shown(SHOP)).toBe(left);
  expect(instance.word(CALM, LearnerWord.CHAMPION_MODEL)).toBe(champion);
  expect(Object.keys(pools.describe(null))).toEqual([CALM.name]);

  // A server of the pool that is gone leaves its slot to one of the pool that stays.
  instance.put(1, 900, CALM.row);
  const whose = { worker: 0, decision: 1, slot: 1, serverId: 101 };
  const outcome = { ...whose, latencyMs: 9_000, heldMs: 0, transferring: 0, failed: true, inFlight: 0 };
  const known = () => pools.describe(CALM.name)[CALM.name].servers?.find(({ server_id: id }) => id === 900)?.features;
  await pools.tick();
  const fresh = known();
  expect(fresh?.error_rate).toBe(0);
  for (let i = 0; i < 20; i++) pools.observe({ ...outcome, atMs: instance.nowMs });
  await pools.tick();
  expect(known()).toEqual(fresh!);

  pools.set([CALM, SHOP]);
  await instance.run(2_000, WELL);
  expect(instance.word(SHOP, LearnerWord.CHAMPION_MODEL)).toBeGreaterThan(0);
  expect(memory.learned[SHOP.row].figures[LearnerFigure.TABLE_MS]).toBeGreaterThan(instance.nowMs - 1_000);
  expect(instance.word(CALM, LearnerWord.CHAMPION_MODEL)).toBe(champion);
  await instance.end();
});
