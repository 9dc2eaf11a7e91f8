import { expect, test } from "bun:test";
import { seededRandom } from "../../../../src/balancing/random.ts";
import { countInFlight } from "../../../../src/replay/reading/in-flight.ts";
import { type ReadRequest, RequestsBuilder } from "../../../../src/replay/reading/requests-builder.ts";

const request = (atMs: number, more: Partial<ReadRequest> = {}): ReadRequest => ({
  atMs,
  server: 0,
  class: 0,
  latencyMs: 10,
  waitMs: 0,
  failed: false,
  inFlight: -1,
  weight: 1,
  ...more,
});

test("columns stand in the order of arrival, from the beginning on", () => {
  const builder = new RequestsBuilder(1e6, Math.random);
  for (let i = 0; i < 40_000; i++)
    builder.add(request(1_000_000 + ((i * 7919) % 40_000), { latencyMs: (i * 7919) % 40_000 }));
  const { atMs, latencyMs } = builder.finish(1_000_000);
  expect(atMs).toHaveLength(40_000);
  expect(atMs.every((ms, i) => ms === i && latencyMs[i] === i)).toBe(true);
});

test("too many are thinned by chance: weights still add up to all of them", () => {
  const builder = new RequestsBuilder(10_000, seededRandom(1).next);
  for (let i = 0; i < 200_000; i++) builder.add(request(i, { server: i % 3, weight: 2 }));
  expect(builder.count).toBeLessThanOrEqual(10_000);
  expect(builder.thinning).toBe(32);
  const { weight, server, atMs } = builder.finish(0);
  const sum = weight.reduce((a, b) => a + b, 0);
  expect(Math.abs(sum / 400_000 - 1)).toBeLessThan(0.05);
  const first = server.filter((index) => index === 0).length;
  expect(Math.abs(first / server.length - 1 / 3)).toBeLessThan(0.02);
  // No part of the time is better covered than another.
  expect(Math.abs(atMs.filter((ms) => ms < 100_000).length / atMs.length - 0.5)).toBeLessThan(0.03);
});

test("in flight: who was sent there before and had no response yet", () => {
  const builder = new RequestsBuilder(100, Math.random);
  const rows = [
    request(0),
    request(5),
    request(5, { server: 1 }),
    request(10),
    request(2, { waitMs: 10 }),
    request(11, { server: -1 }),
  ];
  for (const row of rows) builder.add(row);
  const requests = builder.finish(0);
  countInFlight(requests, 2);
  // In order: 0, 2 (dispatched at 12, when those of 5 and 10 are there), 5, 5 on the other server, 10 (that of 0 has just ended), none.
  expect([...requests.inFlight]).toEqual([0, 2, 1, 0, 1, -1]);
});
