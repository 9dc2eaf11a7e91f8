import { expect, test } from "bun:test";
import type { ClusterMember } from "../../../../../src/cluster/exchange/round.ts";
import { clusterView } from "../../../../../src/control/admin/answers/cluster.ts";
import type { Cluster } from "../../../../../src/control/cluster/cluster.ts";
import { clusterFigures } from "../../../../../src/control/cluster/figures.ts";
import type { SupervisorView } from "../../../../../src/control/supervisor/status.ts";
import { describeCluster } from "../../../../../src/control/supervisor/views/cluster.ts";

const member = (id: string, name: string, figures: Record<string, number>, version = "1.0.0"): ClusterMember => ({
  id,
  self: id === "b",
  ageMs: 312.4,
  description: { name, version, sinceMs: 1_000, figures },
});

const LEADER = { id: "a", name: "ann", since: "2026-11-30T12:00:05.000Z" };
const TRAINING = [{ pool: "shop", leading: false, leader: LEADER, follows: true, problem: null }];

/** An instance whose one server is out because most instances have it out. */
function view(cluster: Partial<Cluster>): SupervisorView {
  const server = { ownVerdict: "up", majority: { out: true }, inFlight: 4, windows: { recentAttempts: 25 } };
  return {
    cluster: {
      cluster: "shop",
      id: "b",
      configured: true,
      away: null,
      shares: ["health"],
      ageMs: 80.2,
      figures: { rounds: 9, failures: 1, lastMs: 1.5, refused: 2 },
      bytes: { sent: 400, received: 900 },
      members: [],
      ...cluster,
    },
    configuration: { config: { database: { instanceName: "bob" } } },
    fleets: { counters: () => ({ majorityEjections: 3 }), present: () => [server] },
    operating: { replication: { figures: { taken: 1, refused: 0, untold: 0 } } },
    startedAtMs: 2_000,
  } as unknown as SupervisorView;
}

test("members are shown by name, with what they say that can be", () => {
  const all = { servers: 2, down: 1, ejected: 0, in_flight: 7, requests_per_second: 2.5 };
  const odd = { servers: -1, down: 0.5, in_flight: Number.NaN, requests_per_second: Number.POSITIVE_INFINITY };
  const shown = describeCluster(
    view({ members: [member("b", "bob", odd), member("a", "ann", all, "1.1.0")] }),
    TRAINING,
  );
  expect(clusterView.parse(shown)).toEqual(shown as never);
  expect(shown).toMatchObject({ redis: { state: "up" }, instances: 2, numbers_age_ms: 80, majority_ejections: 3 });
  expect(shown.members.map(({ name, self }) => [name, self])).toEqual([
    ["ann", false],
    ["bob", true],
  ]);
  expect(shown.members[0]).toMatchObject({ ...all, age_ms: 312, since: "1970-01-01T00:00:01.000Z" });
  const unsaid = { servers: null, down: null, ejected: null, in_flight: null, requests_per_second: null };
  expect(shown.members[1]).toMatchObject(unsaid);
});

test("an instance without Redis, and one that has lost it, is there alone with its own figures", () => {
  const own = { id: "b", name: "bob", self: true, servers: 1, down: 0, in_flight: 4, requests_per_second: 2.5 };
  const off = describeCluster(view({ configured: false, shares: [] }), []);
  expect(clusterView.parse(off)).toEqual(off as never);
  expect(off).toMatchObject({
    redis: { state: "off", reason: null },
    rounds: null,
    numbers_age_ms: null,
    members: [own],
  });
  const away = describeCluster(view({ away: "no answer within 400 ms" }), null);
  expect(away).toMatchObject({
    redis: { state: "away", reason: "no answer within 400 ms" },
    instances: 1,
    rounds: { ok: 9, failed: 1, last_ms: 1.5, sent_bytes: 400, received_bytes: 900, refused_shares: 2 },
    members: [own],
  });
});

test("figures for metrics are of a cluster alone", () => {
  expect(clusterFigures(view({ configured: false }))).toBeNull();
  const members = [member("b", "bob", {}), member("a", "ann", {}, "1.1.0"), member("c", "cat", {})];
  expect(clusterFigures(view({ members }))).toMatchObject({
    cluster: "shop",
    instances: 3,
    versions: 2,
    majorityEjections: 3,
    majorityServers: 1,
    rounds: 9,
    failures: 1,
  });
});
