import { expect, test } from "bun:test";
import { Metrics } from "../../../../src/telemetry/metrics/metrics.ts";
import { makeSource, parseExposition } from "./fixture.ts";

const FIGURES = {
  cluster: "shop",
  instances: 3,
  versions: 1,
  numbersAgeMs: 90,
  rounds: 120,
  failures: 4,
  lastMs: 1.5,
  refused: 1,
  bytes: { sent: 4_000, received: 9_000 },
  majorityEjections: 2,
  majorityServers: 1,
  changes: { taken: 5, refused: 1, untold: 2 },
};

function shown(figures: typeof FIGURES | null): Record<string, number> {
  const { samples } = parseExposition(new Metrics(makeSource({ cluster: () => figures })).render());
  return Object.fromEntries([...samples].filter(([name]) => name.startsWith("neurabalancer_cluster_")));
}

test("a cluster is shown as this instance knows it", () => {
  expect(shown(FIGURES)).toEqual({
    "neurabalancer_cluster_instances{cluster=shop}": 3,
    "neurabalancer_cluster_versions{cluster=shop}": 1,
    neurabalancer_cluster_numbers_age_seconds: 0.09,
    "neurabalancer_cluster_rounds_total{result=ok}": 120,
    "neurabalancer_cluster_rounds_total{result=failed}": 4,
    neurabalancer_cluster_round_duration_seconds: 0.0015,
    "neurabalancer_cluster_changes_total{result=taken}": 5,
    "neurabalancer_cluster_changes_total{result=refused}": 1,
    neurabalancer_cluster_changes_untold: 2,
    "neurabalancer_cluster_bytes_total{direction=sent}": 4_000,
    "neurabalancer_cluster_bytes_total{direction=received}": 9_000,
    neurabalancer_cluster_refused_shares_total: 1,
    neurabalancer_cluster_majority_ejections_total: 2,
    neurabalancer_cluster_majority_servers: 1,
  });
});

test("nothing is shown of none", () => {
  expect(shown(null)).toEqual({});
});
