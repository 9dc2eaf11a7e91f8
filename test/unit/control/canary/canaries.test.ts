/** The canaries of an instance: over real overrides, and workers that are made up. */
import { describe, expect, test } from "bun:test";
import { planEndOfAll } from "../../../../src/control/admin/changes/override-end.ts";
import { Canaries } from "../../../../src/control/canary/canaries.ts";
import { proposeRollback, proposeTerms } from "../../../../src/control/canary/proposals.ts";
import type { NotedEvent } from "../../../../src/control/events/events.ts";
import { durationPair } from "../../../../src/protocol/duration-pairs.ts";
import { PLAIN_ROUTE, type RouteSpec } from "../../../../src/protocol/route.ts";
import {
  assignDurationRows,
  countDuration,
  countFailed,
  durationKey,
} from "../../../../src/shared/memory/duration-table.ts";
import { Header, SHARED_BYTES, viewSharedMemory } from "../../../../src/shared/memory/layout/shared-memory.ts";
import type { CanaryTerms } from "../../../../src/shared/operations/canary.ts";
import type { Override } from "../../../../src/shared/operations/override.ts";
import type { Shares } from "../../../../src/shared/operations/shares.ts";
import { turn } from "../../../support/turn.ts";
import { operationsOver } from "../admin/changes/fixture.ts";
import { MemoryOperationsStore } from "../operations/memory-store.ts";
import { canaryOverride, SECOND } from "./traffic.ts";

const OPERATOR = { name: "deploy", client: "10.0.0.7" };
const ROUTE: RouteSpec = {
  ...PLAIN_ROUTE,
  number: 16,
  name: "shop",
  match: { hosts: [], paths: [{ kind: "prefix", value: "/" }], methods: [], headers: [] },
  action: { kind: "forward", targets: [{ pool: "old", weight: 1 }], splitBy: null },
};
const QUICK = { minDurationMs: 2 * SECOND, minRequests: 10, maxDurationMs: 20 * SECOND } as const;

function makeInstance() {
  const store = new MemoryOperationsStore();
  const memory = viewSharedMemory(new ArrayBuffer(SHARED_BYTES));
  memory.header[Header.WORKER_BLOCKS] = 1;
  const keys = ["next", "old"].map((pool) => durationKey(durationPair(ROUTE, pool)));
  const [next, old] = assignDurationRows(memory.workers[0], keys, false);
  const noted: NotedEvent[] = [];
  const logged: string[] = [];
  const say = (_: object, message: string) => void logged.push(message);
  const log = { info: say, warn: say, error: say };
  const configured: { split: Shares } = { split: { old: 1 } };
  let inForce: readonly Override[] = [];
  const operations = operationsOver({
    configured: () => configured.split,
    apply: (overrides) => {
      inForce = overrides;
    },
    events: { note: (event) => noted.push(event) },
    log,
    store,
  });
  let nowMs = 0;
  const judging = { here: true };
  const pools = [
    { name: "old", up: 1 },
    { name: "next", up: 1 },
  ];
  const makeCanaries = () =>
    new Canaries({
      operations,
      memory,
      routes: () => [ROUTE],
      pools: () => pools,
      isSticky: () => false,
      isJudge: () => judging.here,
      log,
      nowMs: () => nowMs,
      wallMs: () => Date.UTC(2026, 0, 2) + nowMs,
    });
  let canaries = makeCanaries();
  const rounds = async (count: number, nextMs = 20, failed = false): Promise<void> => {
    for (let i = 0; i < count; i++) {
      nowMs += SECOND;
      const { durations } = memory.workers[0];
      for (let n = 0; n < 50; n++) {
        countDuration(durations, next, nextMs / 1000);
        if (failed) countFailed(durations, next, nextMs / 1000);
        countDuration(durations, old, n % 2 === 0 ? 0.02 : 0.04);
      }
      canaries.tick(nowMs);
      await turn(); // what was begun is done
    }
  };
  const begin = (terms: Partial<CanaryTerms> = {}, keep = true) =>
    canaries.operate("shop", null, () =>
      operations.change(OPERATOR, { reason: "release 7", keep }, () =>
        proposeTerms("shop", canaryOverride({ ...QUICK, ...terms }).value, { old: 1 }, "canary.start"),
      ),
    );
  const restart = (): Canaries => {
    canaries = makeCanaries();
    return canaries;
  };
  return {
    canaries,
    restart,
    operations,
    store,
    noted,
    logged,
    configured,
    judging,
    pools,
    rounds,
    begin,
    inForce: () => inForce,
  };
}

test("one that does well goes from step to step, and is the split of its route in the end", async () => {
  const { canaries, noted, rounds, begin, inForce, operations } = makeInstance();
  await begin({ steps: [10, 50, 100], percent: 10 });
  expect(canaries.of("shop")).toMatchObject({ state: "running", percent: 10, next_step: 50, began_by: "deploy" });
  await rounds(60, 5);
  expect(canaries.of("shop")).toMatchObject({ state: "promoted", verdict: "no_worse", next_step: null });
  expect(inForce()).toMatchObject([{ kind: "split", value: { old: 0, next: 1 }, by: "neurabalancer", kept: true }]);
  expect(
    noted.map(({ kind, actor, pool, detail }) => [kind, actor, pool, (detail as { action: string }).action]),
  ).toEqual([
    ["change", "admin API (deploy, 10.0.0.7)", "next", "canary.start"],
    ["change", "balancer", "next", "canary.advance"],
    ["change", "balancer", "next", "canary.promote"],
  ]);
  expect(noted[1].message).toStartWith(
    "canary of route shop: pool next gets 50 % of the requests, by neurabalancer: pool next costs at most 3 % more: cost ",
  );
  expect(canaries.verdicts.get("no_worse")).toBe(2);
  const audit = await operations.audit({ limit: 10, sinceMs: null });
  expect(audit.map(({ action, actor, after }) => [action, actor, after])).toEqual([
    ["canary.promote", "neurabalancer", { old: 0, next: 1 }],
    ["canary.advance", "neurabalancer", { old: 1, next: 1 }],
    ["canary.start", "deploy", { old: 9, next: 1 }],
  ]);
  canaries.forget("shop");
  expect(canaries.list()).toEqual([]);
});

test("one that fails goes back at once, and nothing of it is left in force", async () => {
  const { canaries, logged, rounds, begin, inForce } = makeInstance();
  await begin();
  await rounds(10, 5, true);
  expect(canaries.of("shop")).toMatchObject({ state: "rolled_back", verdict: "worse", percent: 5 });
  expect(inForce()).toEqual([]);
  expect(logged.some((line) => line.startsWith("canary of route shop: pool next does worse: cost 8.00"))).toBe(true);
  expect(canaries.verdicts.get("worse")).toBe(1);
});

test("of instances that share it one acts; any of them gives up what has no server, and what is of one alone is its own", async () => {
  const shared = makeInstance();
  shared.judging.here = false;
  await shared.begin();
  await shared.rounds(10, 5, true);
  expect(shared.canaries.of("shop")).toMatchObject({ state: "running", verdict: "worse" });
  expect(shared.inForce()).toHaveLength(1);
  shared.judging.here = true;
  await shared.rounds(1, 5, true);
  expect(shared.canaries.of("shop")).toMatchObject({ state: "rolled_back" });

  const unusable = makeInstance();
  unusable.judging.here = false;
  await unusable.begin();
  unusable.pools[1].up = 0;
  await unusable.rounds(20, 5);
  expect(unusable.canaries.of("shop")).toMatchObject({ state: "rolled_back", verdict: "unusable" });

  const own = makeInstance();
  own.judging.here = false;
  await own.begin({}, false);
  await own.rounds(10, 5, true);
  expect(own.canaries.of("shop")).toMatchObject({ state: "rolled_back" });
});

test("where it does not go by itself there is a verdict in the audit, and nothing changes", async () => {
  const { canaries, operations, rounds, begin, inForce } = makeInstance();
  await begin({ auto: false });
  await rounds(10, 5, true);
  expect(canaries.of("shop")).toMatchObject({ state: "waiting", verdict: "worse" });
  expect(inForce()).toHaveLength(1);
  const [entry] = await operations.audit({ limit: 1, sinceMs: null });
  expect(entry).toMatchObject({ action: "canary.verdict", actor: "neurabalancer", after: "worse" });
});

test("after a restart it goes on with its step, and its evidence begins anew", async () => {
  const instance = makeInstance();
  await instance.begin({ steps: [10, 50, 100], percent: 10, minDurationMs: 10 * SECOND });
  await instance.rounds(4, 5);
  const { percent, arms } = instance.canaries.of("shop")!;
  expect(arms.canary.requests).toBeGreaterThan(0);
  const again = instance.restart();
  again.tick(0);
  expect(again.of("shop")).toMatchObject({ state: "running", percent, arms: { canary: { requests: 0 } } });
  await instance.rounds(60, 5);
  expect(again.of("shop")).toMatchObject({ state: "promoted" });
});

describe("what else may happen to it", () => {
  test("while one of two who do something about it is still at it, it has not ended of itself", async () => {
    const { canaries, operations, logged, rounds, begin } = makeInstance();
    await begin();
    await rounds(1);
    const [change, promotion] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const changed = canaries.operate("shop", null, () => change.promise);
    const promoted = canaries.operate(
      "shop",
      { state: "promoted", why: "promoted by deploy" },
      () => promotion.promise,
    );
    change.resolve();
    await changed;
    await operations.change(OPERATOR, { reason: "", keep: true }, () => planEndOfAll(operations.list()));
    await rounds(1);
    expect(canaries.of("shop")).toMatchObject({ state: "running" });
    promotion.resolve();
    await promoted;
    expect(canaries.of("shop")).toMatchObject({ state: "promoted" });
    expect(logged.filter((message) => message.includes("has ended"))).toEqual([]);
  });

  test("whoever ends one that has begun elsewhere just now ends it", async () => {
    const { begin, restart, operations } = makeInstance();
    await begin();
    const canaries = restart();
    await canaries.operate("shop", { state: "rolled_back", why: "rolled back by deploy" }, () =>
      operations.change(OPERATOR, { reason: "", keep: true }, () => planEndOfAll(operations.list())),
    );
    expect(canaries.of("shop")).toMatchObject({ state: "rolled_back" });
  });

  test("its configuration changes, or its override is removed: it has ended, and that is said", async () => {
    const { canaries, operations, logged, rounds, begin } = makeInstance();
    await begin();
    await rounds(2);
    await operations.change(OPERATOR, { reason: "", keep: true }, () => planEndOfAll(operations.list()));
    await rounds(1);
    expect(canaries.of("shop")).toMatchObject({ state: "ended" });
    expect(logged.at(-1)).toContain("the canary of route shop has ended");
    const { configured, ...other } = makeInstance();
    await other.begin();
    configured.split = { old: 1, third: 1 };
    await other.rounds(1);
    expect(other.canaries.of("shop")).toMatchObject({ state: "ended" });
  });

  test("its pool loses its servers: it goes back", async () => {
    const { canaries, pools, rounds, begin } = makeInstance();
    await begin({ minDurationMs: 3_600_000, maxDurationMs: 3_600_000 });
    await rounds(8);
    pools[1].up = 0;
    await rounds(5);
    expect(canaries.of("shop")).toMatchObject({ state: "rolled_back", verdict: "unusable" });
  });

  test("what does harm goes back for this run where that cannot be kept, and a step waits", async () => {
    const { canaries, store, logged, rounds, begin, inForce } = makeInstance();
    await begin();
    store.commit = () => Promise.reject(new Error("the disk is full"));
    await rounds(10, 5, true);
    expect(canaries.of("shop")).toMatchObject({ state: "rolled_back" });
    expect(inForce()).toEqual([]);
    expect(logged.some((line) => line.includes("rolled back for this run alone: the disk is full"))).toBe(true);
    const good = makeInstance();
    await good.begin();
    good.store.commit = () => Promise.reject(new Error("the disk is full"));
    await good.rounds(30, 5);
    expect(good.canaries.of("shop")).toMatchObject({ state: "running", percent: 5, verdict: "no_worse" });
    const tries = good.logged.filter((line) => line.includes("it is tried again in 10 s")).length;
    expect(tries).toBeGreaterThan(0);
    expect(tries).toBeLessThanOrEqual(3);
  });

  test("an operator ends it: what it says then is the operator's", async () => {
    const { canaries, operations, rounds, begin } = makeInstance();
    await begin();
    await rounds(2);
    const { value: terms } = operations.inForceOf("canary")[0];
    const end = { state: "rolled_back", why: "rolled back by deploy" } as const;
    await canaries.operate("shop", end, async () => {
      const done = await operations.change(OPERATOR, { reason: "", keep: true }, () =>
        proposeRollback("shop", terms, {}),
      );
      await rounds(2); // meanwhile it is looked after as always
      return done;
    });
    expect(canaries.of("shop")).toMatchObject({ state: "rolled_back", sentence: "rolled back by deploy" });
    await expect(canaries.operate("shop", null, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    await begin({ beganMs: 2_000 });
    expect(canaries.of("shop")).toMatchObject({ state: "running" });
  });
});
