import { expect, test } from "bun:test";
import { clusterText } from "../../../../src/cli/cluster/text.ts";
import type { ShownCluster, ShownMember } from "../../../../src/control/admin/answers/cluster.ts";

const member = (more: Partial<ShownMember>): ShownMember => ({
  id: "00000000000000a1",
  name: "ann",
  self: false,
  version: "1.2.3",
  since: "2026-11-30T12:00:00.000Z",
  age_ms: 640,
  servers: 3,
  down: 1,
  ejected: 0,
  in_flight: 12,
  requests_per_second: 80.5,
  ...more,
});

const CLUSTER: ShownCluster = {
  cluster: "shop",
  id: "00000000000000b2",
  redis: { state: "up", reason: null },
  shares: ["in_flight", "health"],
  instances: 2,
  numbers_age_ms: 90,
  rounds: { ok: 120, failed: 3, last_ms: 0.84, sent_bytes: 24_600, received_bytes: 61_500, refused_shares: 1 },
  majority_ejections: 2,
  training: [
    {
      pool: "shop",
      leading: false,
      leader: { id: "00000000000000a1", name: "ann", since: "2026-11-30T12:00:05.000Z" },
      follows: true,
      problem: null,
    },
  ],
  members: [member({}), member({ id: "00000000000000b2", name: "bob", self: true, servers: null, down: null })],
};

test("says who is there, which one was asked, and how it goes", () => {
  expect(clusterText(CLUSTER)).toBe(`Cluster shop: 2 instances

INSTANCE     ID                VERSION  SINCE                     HEARD      SERVERS  DOWN  EJECTED  IN FLIGHT  REQUESTS/S
ann          00000000000000a1  1.2.3    2026-11-30T12:00:00.000Z  0.6 s ago  3        1     0        12         80.5
bob (asked)  00000000000000b2  1.2.3    2026-11-30T12:00:00.000Z  now        -        -     0        12         80.5

Shared                 in_flight, health
Numbers of the others  0.1 s old
Rounds with Redis      120 went well, 3 failed; the last one took 0.8 ms
A round                sends 200 bytes and gets 500 bytes
Not believed           1 shares of others: no instance of ours writes such
Taken out by majority  2 times
Who trains for shop    ann since 2026-11-30T12:00:05.000Z`);
});

test("says in words that it is alone, and why", () => {
  const alone = { ...CLUSTER, instances: 1, members: [member({ self: true })], rounds: null, numbers_age_ms: null };
  const off = clusterText({ ...alone, redis: { state: "off", reason: null }, shares: [] });
  expect(off).toStartWith(
    "This instance is whole by itself: no Redis is configured (REDIS_ADDR), so nothing is shared.",
  );
  const away = clusterText({ ...alone, redis: { state: "away", reason: "no answer within 400 ms" } });
  expect(away).toStartWith("Cluster shop: Redis is away, and this instance goes on alone: no answer within 400 ms");
  expect(away).toContain("none are heard");
});

test("shows what others call themselves, and does not let it write to the terminal", () => {
  const text = clusterText({ ...CLUSTER, members: [member({ name: "\u001b[2Jann" })] });
  expect(text).not.toContain("\u001b");
});
