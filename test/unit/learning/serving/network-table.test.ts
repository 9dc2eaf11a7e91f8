import { describe, expect, test } from "bun:test";
import { columnLoad } from "../../../../src/balancing/score-columns.ts";
import { FEATURE_COUNT, FleetFeatures } from "../../../../src/learning/features/fleet-features.ts";
import { forward, type Network, scaleRow } from "../../../../src/learning/models/network.ts";
import { readShippedNetwork } from "../../../../src/learning/models/shipped-model.ts";
import { NetworkTable } from "../../../../src/learning/serving/network-table.ts";
import { SCORE_COLUMNS } from "../../../../src/shared/memory/layout/learning.ts";
import { randomNetwork, seeded } from "../../../support/networks.ts";

const SLOTS = [0, 2, 3];
const NOW_MS = 5000;

/** Features of three servers of unequal speed, one of which reports its CPU usage. */
function observed(): FleetFeatures {
  const random = seeded(1);
  const features = new FleetFeatures({
    id: Int32Array.of(1, 0, 2, 3),
    inFlight: Int32Array.of(2, 0, 0, 9),
    capacity: Float64Array.of(10, Number.NaN, Number.NaN, 50),
    cpuUsagePercent: Float64Array.of(80, Number.NaN, Number.NaN, Number.NaN),
    memoryUsagePercent: new Float64Array(4).fill(Number.NaN),
  });
  for (let i = 0; i < 300; i++) {
    const slot = SLOTS[i % 3];
    features.observe(slot, (slot + 1) * 10 * (0.5 + random()), random() < 0.02, 10 * i, Math.floor(random() * 4));
  }
  features.begin(Int32Array.from(SLOTS), 3, NOW_MS);
  return features;
}

/** What `forward` says of the same server and load. */
function cost(network: Network, features: FleetFeatures, slot: number, inFlight: number): number {
  const all = new Float64Array(FEATURE_COUNT).fill(Number.NaN);
  features.fillServer(slot, all, 0);
  features.fillLoad(slot, inFlight, all, 0);
  const row = all.slice(0, network.features.length); // these networks take the first features, in order
  scaleRow(network, row);
  return features.meanMs * Math.exp(forward(network, row));
}

/** Kept small: a wild network's costs overflow. */
function tame(network: Network): Network {
  return {
    ...network,
    linear: network.linear.map((weight) => weight / 10),
    mean: network.mean.map((mean) => mean / 50),
  };
}

describe.each([
  ["the shipped one", readShippedNetwork()],
  ["of all features", tame(randomNetwork(1))],
  ["of the contract's six features", tame(randomNetwork(2, 6, 5))],
  ["of some features", tame(randomNetwork(3, 13, 3))],
])("a table of a network %s", (_, network) => {
  const features = observed();
  const table = new NetworkTable(network);

  test("holds what inference for each request would say", () => {
    for (const slot of SLOTS) {
      const costs = new Float32Array(SCORE_COLUMNS);
      table.fill(features, slot, costs, 0, SCORE_COLUMNS);
      for (let column = 0; column < SCORE_COLUMNS; column++) {
        const expected = cost(network, features, slot, columnLoad(column));
        expect(Math.abs(costs[column] / expected - 1)).toBeLessThan(1e-5);
      }
    }
  });

  test("of few columns goes on in proportion to the load", () => {
    const costs = new Float32Array(SCORE_COLUMNS);
    table.fill(features, 2, costs, 0, 4);
    expect(Math.abs(costs[3] / cost(network, features, 2, columnLoad(3)) - 1)).toBeLessThan(1e-5);
    const last = SCORE_COLUMNS - 1;
    expect(costs[last] / costs[3]).toBeCloseTo((columnLoad(last) + 1) / (columnLoad(3) + 1), 4);
  });
});
