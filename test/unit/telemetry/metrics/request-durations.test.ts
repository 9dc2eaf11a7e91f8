/** Durations by route and pool, over all workers, with examples. */
import { describe, expect, test } from "bun:test";
import {
  assignDurationRows,
  countDuration,
  type DurationPair,
  durationKey,
  NATIVE_BOUNDS,
  OTHER_ROW,
} from "../../../../src/shared/memory/duration-table.ts";
import { ExemplarWriter } from "../../../../src/shared/memory/exemplars.ts";
import { DURATION_BOUNDS, NATIVE_BUCKETS } from "../../../../src/shared/memory/layout/durations.ts";
import type { SharedMemory } from "../../../../src/shared/memory/layout/shared-memory.ts";
import { ROUTES, Route } from "../../../../src/shared/memory/series-table.ts";
import { Metrics } from "../../../../src/telemetry/metrics/metrics.ts";
import { type DurationSource, readDurations } from "../../../../src/telemetry/metrics/request-durations.ts";
import { makeSource, parseExposition } from "./fixture.ts";

const SHOP: DurationPair = { route: 16, name: "shop", pool: "a" };
const SHOP_B: DurationPair = { route: 16, name: "shop", pool: "b" };
const NO_ROUTE: DurationPair = { route: Route.NO_ROUTE, name: "no_route", pool: "" };
const PAIRS = [SHOP, SHOP_B, NO_ROUTE];
const ID = "0123456789abcdef0123456789abcdef";

/** One worker's part. */
function record(memory: SharedMemory, worker: number, pair: DurationPair | null, seconds: number): number {
  const block = memory.workers[worker];
  const rows = assignDurationRows(block, PAIRS.map(durationKey), true);
  const row = pair === null ? OTHER_ROW : rows[PAIRS.indexOf(pair)];
  countDuration(block.durations, row, seconds);
  return row;
}

const read = (source: DurationSource) =>
  new Map(
    [...readDurations(source)].map(({ pair, figures }) => [
      pair === null ? "other" : `${pair.name} ${pair.pool}`,
      figures,
    ]),
  );

function sourceOf(exemplars = false) {
  return makeSource({ durationPairs: () => PAIRS, exemplars: () => exemplars });
}

describe("durations", () => {
  test("are sums over workers; routes are there from the start, what is no route once it was met", () => {
    const source = sourceOf();
    expect([...read(source).keys()]).toEqual(["shop a", "shop b"]);
    record(source.memory, 0, SHOP, 0.003);
    record(source.memory, 1, SHOP, 0.003);
    record(source.memory, 1, SHOP, 7);
    record(source.memory, 1, NO_ROUTE, 0.0001);
    record(source.memory, 0, null, 2);
    const seen = read(source);
    expect([...seen.keys()]).toEqual(["shop a", "shop b", "no_route ", "other"]);
    const shop = seen.get("shop a")!;
    expect(shop.sum).toBeCloseTo(7.006, 9);
    expect(Array.from(shop.counts)).toEqual([0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]);
    expect(shop.bounds).toBe(DURATION_BOUNDS);
    const native = shop.native!;
    expect(native.counts.length).toBe(NATIVE_BUCKETS);
    const [first, second] = Array.from(native.counts).flatMap((count, i) => (count > 0 ? [i] : []));
    expect([native.counts[first], native.counts[second]]).toEqual([2, 1]);
    expect(2 ** ((native.first + first) / 2 ** native.schema)).toBe(NATIVE_BOUNDS[first]);
    expect(seen.get("shop b")!.sum).toBe(0);
  });

  test("of a pair whose row was given away meanwhile are not another's", () => {
    const source = sourceOf();
    const row = record(source.memory, 0, SHOP, 1);
    record(source.memory, 0, SHOP_B, 1);
    const reading = readDurations({ ...source, durationPairs: () => [NO_ROUTE, SHOP] })[Symbol.iterator]();
    source.memory.workers[0].durationKeys[row] = 12_345;
    expect(reading.next().value?.figures.sum).toBe(0);
  });
});

describe("examples", () => {
  test("are the newest of all workers, by bucket, only while traces are exported", () => {
    const source = sourceOf(true);
    const { memory } = source;
    const row = record(memory, 0, SHOP, 0.02);
    record(memory, 1, SHOP, 0.02);
    const digits = (first: string) => Buffer.from(first + ID.slice(1));
    new ExemplarWriter(memory.workers[0].exemplars).write(row, 4, 0.02, 2_000, digits("a"), 0);
    new ExemplarWriter(memory.workers[1].exemplars).write(row, 4, 0.021, 3_000, digits("b"), 0);
    new ExemplarWriter(memory.workers[1].exemplars).write(row, 5, 0.03, 1_000, digits("c"), 0);
    const { exemplars } = read(source).get("shop a")!;
    expect(exemplars![4]).toEqual({ labels: { trace_id: `b${ID.slice(1)}` }, value: 0.021, timeMs: 3_000 });
    expect(exemplars![5]?.value).toBe(0.03);
    expect(exemplars![0]).toBeNull();
    expect(read({ ...source, exemplars: () => false }).get("shop a")!.exemplars![4]).toBeNull();
  });
});

test("samples have the path that requests are counted under, and the pool that they went to, or none", () => {
  const source = makeSource({
    durationPairs: () => PAIRS,
    topology: () => ({
      pools: [],
      labelled: true,
      poolOf: () => undefined,
      routeName: (number) => (number === 16 ? "shop" : ROUTES[number]),
    }),
  });
  record(source.memory, 0, SHOP, 0.003);
  record(source.memory, 1, NO_ROUTE, 0.003);
  record(source.memory, 1, null, 0.003);
  const { samples } = parseExposition(new Metrics(source).render());
  const count = (labels: string) => samples.get(`neurabalancer_http_request_duration_seconds_count{${labels}}`);
  expect(count("path=shop,pool=a")).toBe(1);
  expect(count("path=shop,pool=b")).toBe(0);
  expect(count("path=no_route,pool=none")).toBe(1);
  expect(count("path=(other),pool=none")).toBe(1);
});
