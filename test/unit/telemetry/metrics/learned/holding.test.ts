import { expect, test } from "bun:test";
import { countBriefDuration } from "../../../../../src/shared/memory/duration-table.ts";
import { QueueWord } from "../../../../../src/shared/memory/layout/queues.ts";
import { Metrics } from "../../../../../src/telemetry/metrics/metrics.ts";
import type { MetricsSource } from "../../../../../src/telemetry/metrics/source.ts";
import { makeSource, parseExposition, server } from "../fixture.ts";

const P = "neurabalancer_";
const ROW = 4;

const topology: MetricsSource["topology"] = () => ({
  pools: [
    { name: "default", row: 0, strategy: "ml" },
    { name: "shop", row: ROW, strategy: "least_connections" },
  ],
  labelled: true,
  poolOf: () => undefined,
  routeName: String,
});

function sampled(overrides: Partial<MetricsSource> = {}) {
  const source = makeSource({ topology, ...overrides });
  const queue = (worker: number, words: Readonly<Record<number, number>>) => {
    for (const [word, value] of Object.entries(words)) {
      source.memory.workers[worker].queues[ROW * QueueWord.LENGTH + Number(word)] = value;
    }
  };
  const waited = (worker: number, held: boolean, seconds: number) => {
    const { heldWaits, waits } = source.memory.workers[worker];
    countBriefDuration(held ? heldWaits : waits, ROW, seconds);
  };
  return { queue, waited, read: () => parseExposition(new Metrics(source).render()).samples };
}

test("who waits is summed over all workers, by pool", () => {
  const { queue, read } = sampled();
  queue(0, { [QueueWord.WAITING]: 3, [QueueWord.HELD_NOW]: 2, [QueueWord.OLDEST_MS]: 4_000 });
  queue(1, { [QueueWord.WAITING]: 1, [QueueWord.HELD_NOW]: 1, [QueueWord.OLDEST_MS]: 3_500 });
  const samples = read();
  expect(samples.get(`${P}pool_queue_length{pool=shop}`)).toBe(4);
  expect(samples.get(`${P}pool_queue_held{pool=shop}`)).toBe(3);
  expect(samples.get(`${P}pool_queue_oldest_seconds{pool=shop}`)).toBe(1.5);
  expect(samples.get(`${P}pool_queue_length{pool=default}`)).toBe(0);
  expect(samples.get(`${P}pool_queue_oldest_seconds{pool=default}`)).toBe(0);
});

test("what became of held requests is counted", () => {
  const { queue, waited, read } = sampled();
  queue(0, { [QueueWord.SENT_ANYWAY]: 2, [QueueWord.SHED]: 7 });
  queue(1, { [QueueWord.LEFT]: 1 });
  waited(0, false, 0.125);
  waited(0, true, 0.25);
  waited(1, true, 0.5);
  const samples = read();
  expect(samples.get(`${P}queue_wait_seconds_count{pool=shop,reason=held}`)).toBe(2);
  expect(samples.get(`${P}queue_wait_seconds_sum{pool=shop,reason=held}`)).toBe(0.75);
  expect(samples.get(`${P}queue_wait_seconds_sum{pool=shop,reason=full}`)).toBe(0.125);
  expect(samples.get(`${P}held_sent_anyway_total{pool=shop}`)).toBe(2);
  expect(samples.get(`${P}queue_shed_total{pool=shop}`)).toBe(7);
  expect(samples.get(`${P}queue_left_total{pool=shop}`)).toBe(1);
});

test("whether requests may be held, and the limits of servers that have one", () => {
  const limited = [{ row: ROW, name: "shop", state: "stopped", patienceMs: 250, relaxation: 2 }] as const;
  const servers = [server(1, { concurrency_limit: 6 }), server(2)];
  const { read } = sampled({
    learner: () => ({ pools: [], limited, classed: [], restarts: {} }),
    servers: () => servers,
  });
  const samples = read();
  expect(samples.get(`${P}holding_state{pool=shop,state=stopped}`)).toBe(1);
  expect(samples.get(`${P}holding_state{pool=shop,state=holding}`)).toBe(0);
  expect(samples.get(`${P}holding_state{pool=default,state=off}`)).toBe(1);
  expect(samples.get(`${P}holding_patience_seconds{pool=shop}`)).toBe(0.25);
  expect(samples.has(`${P}holding_patience_seconds{pool=default}`)).toBe(false);
  expect(samples.get(`${P}holding_relaxation{pool=shop}`)).toBe(2);
  expect(samples.has(`${P}holding_relaxation{pool=default}`)).toBe(false);
  expect(samples.get(`${P}server_concurrency_limit{pool=default,server_id=1}`)).toBe(6);
  expect(samples.has(`${P}server_concurrency_limit{pool=default,server_id=2}`)).toBe(false);
});
