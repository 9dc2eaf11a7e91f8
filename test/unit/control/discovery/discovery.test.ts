import { beforeEach, describe, expect, test } from "bun:test";
import { Discovery } from "../../../../src/control/discovery/discovery.ts";
import type { LookupAnswer, SrvAnswer } from "../../../../src/control/discovery/dns/resolver.ts";
import { identityOf } from "../../../../src/control/fleet/membership.ts";
import { MAX_SERVERS } from "../../../../src/shared/memory/layout/shared-memory.ts";
import { turn } from "../../../support/turn.ts";
import { host, quietLog, srvSpec } from "../fleet/fixtures.ts";

const dns = { minTtlMs: 1000, maxTtlMs: 60_000 };

class World {
  nowMs = 0;
  hosts: Record<string, LookupAnswer | undefined> = {};
  srvs: Record<string, SrvAnswer | undefined> = {};
  asked: string[] = [];
  changes = 0;
  /** The loopback address that a server listens on; undefined = any. */
  listening: string | undefined = "127.0.0.1";
  readonly log = quietLog();
  readonly discovery = new Discovery({
    resolver: {
      lookup: async (name) => {
        this.asked.push(name);
        return this.hosts[name] ?? Promise.reject(new Error("ENOTFOUND"));
      },
      srv: async (name) => this.srvs[name] ?? Promise.reject(new Error("ENOTFOUND")),
    },
    log: this.log,
    nowMs: () => this.nowMs,
    random: () => 1,
    chooseLoopback: async (addresses) =>
      addresses.find((address) => this.listening === undefined || address === this.listening) ?? addresses[0],
  });

  constructor() {
    this.discovery.onChange(() => this.changes++);
  }

  get addresses(): string[] {
    return this.discovery.servers().map((server) => `${server.address}:${server.port}`);
  }

  async at(nowMs: number): Promise<void> {
    this.nowMs = nowMs;
    this.discovery.tick(nowMs);
    await turn();
  }
}

let world: World;
beforeEach(() => {
  world = new World();
});

describe("names", () => {
  test("an IP literal is taken as it is and never asked for", async () => {
    await world.discovery.configure([host("10.0.0.1", 80), host("::1", 81)], dns);
    await world.at(1e9);
    expect(world.addresses).toEqual(["10.0.0.1:80", "::1:81"]);
    expect(world.asked).toEqual([]);
    expect(world.discovery.counters).toEqual({ resolutions: 0, failures: 0 });
  });

  test("all addresses of a name, again when its time to live is over", async () => {
    world.hosts.app = { addresses: ["10.0.0.1", "fd00::1"], ttlSeconds: 5 };
    await world.discovery.configure([host("app", 80)], dns);
    expect(world.addresses).toEqual(["10.0.0.1:80", "fd00::1:80"]);
    world.hosts.app = { addresses: ["10.0.0.2"], ttlSeconds: 5 };
    await world.at(4999);
    expect(world.addresses).toEqual(["10.0.0.1:80", "fd00::1:80"]);
    await world.at(5000);
    expect(world.addresses).toEqual(["10.0.0.2:80"]);
  });

  test("times to live are clamped", async () => {
    world.hosts.never = { addresses: ["10.0.0.1"], ttlSeconds: 0 };
    world.hosts.forever = { addresses: ["10.0.0.2"], ttlSeconds: 1e6 };
    await world.discovery.configure([host("never", 1), host("forever", 2)], dns);
    world.asked = [];
    await world.at(999);
    expect(world.asked).toEqual([]);
    await world.at(1000);
    expect(world.asked).toEqual(["never"]);
    await world.at(60_000);
    expect(world.asked).toEqual(["never", "never", "forever"]);
  });

  test("a failed re-resolution keeps what is known, says so once and counts on", async () => {
    world.hosts.app = { addresses: ["10.0.0.1"], ttlSeconds: 1 };
    await world.discovery.configure([host("app", 80)], dns);
    world.hosts.app = undefined;
    await world.at(1000);
    await world.at(2000);
    await world.at(4000);
    expect(world.addresses).toEqual(["10.0.0.1:80"]);
    expect(world.discovery.counters.failures).toBe(3);
    expect(world.discovery.degraded).toBe(true);
    expect(world.log.lines.filter((line) => line.startsWith("warn"))).toHaveLength(1);
    world.hosts.app = { addresses: ["10.0.0.9"], ttlSeconds: 1 };
    await world.at(8000);
    expect(world.addresses).toEqual(["10.0.0.9:80"]);
    expect(world.discovery.degraded).toBe(false);
  });

  test("a first failure is retried with growing pauses and blocks nobody", async () => {
    await world.discovery.configure([host("10.0.0.1", 80), host("late", 80)], dns);
    expect(world.addresses).toEqual(["10.0.0.1:80"]);
    const tries = () => world.asked.length;
    for (const [atMs, expected] of [
      [999, 1],
      [1000, 2],
      [2999, 2],
      [3000, 3],
      [6999, 3],
      [7000, 4],
    ]) {
      await world.at(atMs);
      expect([atMs, tries()]).toEqual([atMs, expected]);
    }
    world.hosts.late = { addresses: ["10.0.0.2"], ttlSeconds: 1 };
    await world.at(15_000);
    expect(world.addresses).toEqual(["10.0.0.1:80", "10.0.0.2:80"]);
  });

  test("a name that means this machine twice is one server", async () => {
    world.hosts.localhost = { addresses: ["::1", "127.0.0.1"], ttlSeconds: 0 };
    world.hosts.mixed = { addresses: ["fd00::1", "127.0.0.1"], ttlSeconds: 0 };
    world.hosts.many = { addresses: ["127.0.0.1", "127.0.0.2"], ttlSeconds: 0 };
    await world.discovery.configure([host("localhost", 1), host("mixed", 2), host("many", 3)], dns);
    expect(world.addresses).toEqual(["127.0.0.1:1", "fd00::1:2", "127.0.0.1:2", "127.0.0.1:3", "127.0.0.2:3"]);
  });

  test("a server on loopback stays where it was while it restarts, and is the same when it comes up elsewhere", async () => {
    world.hosts.localhost = { addresses: ["127.0.0.1", "::1"], ttlSeconds: 1 };
    world.listening = "::1";
    await world.discovery.configure([host("localhost", 80)], dns);
    const [before] = world.discovery.servers();
    expect(before.address).toBe("::1");
    world.listening = "nowhere";
    await world.at(1000);
    expect(world.addresses).toEqual(["::1:80"]);
    world.listening = "127.0.0.1";
    await world.at(2000);
    expect(world.addresses).toEqual(["127.0.0.1:80"]);
    expect(identityOf(world.discovery.servers()[0])).toBe(identityOf(before));
  });

  test("a family whose question fails keeps its addresses, says so once, and the other one's change", async () => {
    world.hosts.app = { addresses: ["10.0.0.1", "fd00::1"], ttlSeconds: 1 };
    await world.discovery.configure([host("app", 80)], dns);
    world.hosts.app = { addresses: ["10.0.0.2"], ttlSeconds: 1, unknown: [6] };
    for (const atMs of [1000, 2000, 3000]) await world.at(atMs);
    expect(world.addresses).toEqual(["10.0.0.2:80", "fd00::1:80"]);
    expect(world.discovery.degraded).toBe(true);
    const warnings = world.log.lines.filter((line) => line.startsWith("warn"));
    expect(warnings).toEqual(["warn cannot resolve all of app: its IPv6 addresses last known stay in use"]);
    world.hosts.app = { addresses: ["10.0.0.2"], ttlSeconds: 1 };
    await world.at(4000);
    expect(world.addresses).toEqual(["10.0.0.2:80"]); // it has none: that is a response
    expect(world.discovery.degraded).toBe(false);
  });

  test("a family that is never heard of is not missed", async () => {
    world.hosts.app = { addresses: ["10.0.0.1"], ttlSeconds: 1, unknown: [6] };
    await world.discovery.configure([host("app", 80)], dns);
    expect(world.addresses).toEqual(["10.0.0.1:80"]);
    expect(world.discovery.degraded).toBe(false);
    expect(world.log.lines).toEqual([]);
  });

  test("the dot of a complete name is for the resolver alone", async () => {
    world.hosts["api.corp."] = { addresses: ["10.0.0.1"], ttlSeconds: 5 };
    await world.discovery.configure([host("api.corp.", 80)], dns);
    expect(world.asked).toEqual(["api.corp."]);
    expect(world.discovery.servers()[0]).toMatchObject({ hostname: "api.corp", address: "10.0.0.1" });
  });

  test("while no new name resolves the old servers stay, and leave when one does", async () => {
    world.hosts.old = { addresses: ["10.0.0.1"], ttlSeconds: 1 };
    await world.discovery.configure([host("old", 80), host("10.0.0.9", 80)], dns);
    await world.discovery.configure([host("new", 80), host("newer", 80)], dns);
    expect(world.addresses).toEqual(["10.0.0.1:80", "10.0.0.9:80"]);
    expect(world.discovery.unresolved()).toEqual(["new", "newer"]);
    expect(world.log.lines.at(-1)).toContain(
      "no address is known of new, newer: the servers of the configuration before",
    );
    world.hosts.old = { addresses: ["10.0.0.2"], ttlSeconds: 1 };
    await world.at(1000);
    expect(world.addresses).toEqual(["10.0.0.2:80", "10.0.0.9:80"]); // they are looked after like any other
    await world.discovery.configure([host("newer", 80)], dns); // once more, as wrong
    expect(world.addresses).toEqual(["10.0.0.2:80", "10.0.0.9:80"]);
    world.hosts.newer = { addresses: ["10.0.0.5"], ttlSeconds: 1 };
    await world.at(60_000);
    expect(world.addresses).toEqual(["10.0.0.5:80"]);
    await world.at(120_000);
    expect(world.asked.filter((name) => name === "old").length).toBe(3);
  });

  test("old servers leave at once when some of the new ones are there", async () => {
    world.hosts.old = { addresses: ["10.0.0.1"], ttlSeconds: 1 };
    await world.discovery.configure([host("old", 80)], dns);
    await world.discovery.configure([host("new", 80), host("10.0.0.3", 80)], dns);
    expect(world.addresses).toEqual(["10.0.0.3:80"]);
  });

  test("a new configuration asks only for what is new, and updates what stays", async () => {
    world.hosts.app = { addresses: ["10.0.0.1"], ttlSeconds: 50 };
    await world.discovery.configure([host("app", 80)], dns);
    world.asked = [];
    world.hosts.other = { addresses: ["10.0.0.2"], ttlSeconds: 50 };
    await world.discovery.configure([host("app", 80, { weight: 3 }), host("other", 80)], dns);
    expect(world.asked).toEqual(["other"]);
    expect(world.discovery.servers().map((server) => server.weight)).toEqual([3, 1]);
  });
});

describe("SRV records", () => {
  const spec = srvSpec("_http._tcp.shop.test", 2);

  test("the lowest priority only, with ports, weights and all addresses", async () => {
    world.srvs[spec.host] = {
      ttlSeconds: 10,
      records: [
        { name: "a.test", port: 81, priority: 5, weight: 3 },
        { name: "b.test.", port: 82, priority: 5, weight: 0 },
        { name: "backup.test", port: 83, priority: 9, weight: 1 },
      ],
    };
    world.hosts["a.test"] = { addresses: ["10.0.0.1", "10.0.0.2"], ttlSeconds: 10 };
    world.hosts["b.test."] = { addresses: ["10.0.0.3"], ttlSeconds: 10 };
    await world.discovery.configure([spec], dns);
    const seen = world.discovery
      .servers()
      .map(({ url, hostname, address, weight }) => [url, hostname, address, weight]);
    expect(seen).toEqual([
      ["http://a.test:81", "shop.test", "10.0.0.1", 6],
      ["http://a.test:81", "shop.test", "10.0.0.2", 6],
      ["http://b.test:82", "shop.test", "10.0.0.3", 0.6],
    ]);
  });

  test("one target that fails keeps its addresses; a service not offered has none", async () => {
    const records = ["a.test", "b.test"].map((name) => ({ name, port: 80, priority: 0, weight: 0 }));
    world.srvs[spec.host] = { ttlSeconds: 1, records };
    world.hosts["a.test"] = { addresses: ["10.0.0.1"], ttlSeconds: 1 };
    world.hosts["b.test"] = { addresses: ["10.0.0.2"], ttlSeconds: 1 };
    await world.discovery.configure([spec], dns);
    world.hosts["b.test"] = undefined;
    world.hosts["a.test"] = { addresses: ["10.0.0.7"], ttlSeconds: 1 };
    await world.at(1000);
    expect(world.addresses).toEqual(["10.0.0.7:80", "10.0.0.2:80"]);
    world.srvs[spec.host] = { ttlSeconds: 1, records: [{ name: ".", port: 0, priority: 0, weight: 0 }] };
    await world.at(2000);
    expect(world.addresses).toEqual([]);
  });

  test("records that are missing at first are asked for again", async () => {
    await world.discovery.configure([spec], dns);
    world.srvs[spec.host] = { ttlSeconds: 0, records: [] };
    await world.at(1000);
    expect(world.addresses).toEqual([]);
    world.srvs[spec.host] = { ttlSeconds: 0, records: [{ name: "a.test", port: 80, priority: 0, weight: 0 }] };
    world.hosts["a.test"] = { addresses: ["10.0.0.1"], ttlSeconds: 10 };
    await world.at(2000);
    expect(world.addresses).toEqual(["10.0.0.1:80"]);
  });

  test("a target is asked for when its own time is over, not as often as the records", async () => {
    world.srvs[spec.host] = { ttlSeconds: 0, records: [{ name: "a.test", port: 80, priority: 0, weight: 0 }] };
    world.hosts["a.test"] = { addresses: ["10.0.0.1"], ttlSeconds: 3 };
    await world.discovery.configure([spec], dns);
    for (const atMs of [1000, 2000]) await world.at(atMs);
    expect(world.asked).toEqual(["a.test"]);
    world.hosts["a.test"] = { addresses: ["10.0.0.2"], ttlSeconds: 3 };
    await world.at(3000);
    expect(world.addresses).toEqual(["10.0.0.2:80"]);
  });

  test("of more targets than there can be servers the same ones are used, whatever their order", async () => {
    const records = Array.from({ length: MAX_SERVERS + 100 }, (_, i) => {
      const name = `10.0.${i >> 8}.${i & 255}`;
      return { name, port: 80, priority: 0, weight: 0 };
    });
    world.srvs[spec.host] = { ttlSeconds: 0, records };
    await world.discovery.configure([spec], dns);
    const before = world.addresses;
    expect(before.length).toBe(MAX_SERVERS);
    world.srvs[spec.host] = { ttlSeconds: 0, records: records.toReversed() };
    await world.at(1000);
    expect([...world.addresses].sort()).toEqual([...before].sort());
    expect(world.log.lines).toEqual([expect.stringContaining("the limit of 512: 100 are left out")]);
  });
});
