/** The fleet against real servers: states, ejection, membership, panic, and what workers see in the shared table. */
import { afterEach, describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { LookupAnswer } from "../../../../src/control/discovery/dns/resolver.ts";
import type { NotedEvent } from "../../../../src/control/events/events.ts";
import { Fleet } from "../../../../src/control/fleet/fleet.ts";
import type { FleetOptions } from "../../../../src/control/fleet/options.ts";
import { FleetTable } from "../../../../src/control/fleet/table.ts";
import type { Endpoint } from "../../../../src/protocol/endpoint.ts";
import { createRuntimeDirectory, createSharedMemory } from "../../../../src/shared/memory/file.ts";
import {
  Header,
  MAX_SERVERS,
  ServerState,
  SHARED_BYTES,
  viewSharedMemory,
} from "../../../../src/shared/memory/layout/shared-memory.ts";
import { serverTableVersion } from "../../../../src/shared/memory/server-table/reader.ts";
import { ServerTableWriter } from "../../../../src/shared/memory/server-table/writer.ts";
import { spawn } from "../../../support/processes.ts";
import { DRAINED, fleetOptions, host, quietLog } from "../../../unit/control/fleet/fixtures.ts";
import { Backend, eventually } from "./fixtures.ts";

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0)) clean();
});

const checks = { enabled: true, path: "/health", intervalMs: 200, timeoutMs: 60_000, rise: 2, fall: 2 };

/** A fleet over plain memory with one worker block, and a resolver that the test writes. */
function makeFleet() {
  const memory = viewSharedMemory(new ArrayBuffer(SHARED_BYTES));
  memory.header[Header.WORKER_BLOCKS] = 1;
  const hosts: Record<string, LookupAnswer | undefined> = {};
  const log = quietLog();
  const noted: NotedEvent[] = [];
  let skewMs = 0;
  const fleet = new Fleet({
    pool: 0,
    table: new FleetTable(memory),
    log,
    events: { note: (event) => noted.push(event) },
    clock: { nowMs: () => performance.now() + skewMs, wallMs: () => Date.now() + skewMs },
    random: () => 0,
    resolver: {
      lookup: async (name) => hosts[name] ?? Promise.reject(new Error("ENOTFOUND")),
      srv: async () => Promise.reject(new Error("ENOTFOUND")),
    },
  });
  cleanups.push(() => fleet.stop());
  return {
    memory,
    hosts,
    log,
    noted,
    fleet,
    skip: (ms: number) => {
      skewMs += ms;
    },
    states: () => fleet.servers().map((server) => server.state),
    /** Counts answers as a worker would. */
    answers: (slot: number, good: number, failed: number) => {
      memory.workers[0].responses[slot] += good + failed;
      memory.workers[0].failures[slot] += failed;
      if (good > 0) Atomics.store(memory.servers.consecutiveFailures, slot, 0);
      Atomics.add(memory.servers.consecutiveFailures, slot, failed);
    },
  };
}

async function backends(count: number): Promise<Backend[]> {
  const started = await Promise.all(Array.from({ length: count }, () => new Backend().start()));
  cleanups.push(() => {
    for (const backend of started) backend.stop();
  });
  return started;
}

const specs = (servers: readonly Backend[]) => servers.map((backend) => host("127.0.0.1", backend.port));

describe("health checks", () => {
  test("a server starts up, is proven, leaves when it fails and comes back through slow start", async () => {
    const [good, flaky] = await backends(2);
    const { fleet, states, memory, log } = makeFleet();
    await fleet.start(fleetOptions(specs([good, flaky]), { health: checks, slowStartMs: 60_000 }));
    expect(Array.from(memory.servers.state.subarray(0, 3))).toEqual([ServerState.UP, ServerState.UP, 0]);
    expect(memory.servers.effectiveWeight[0]).toBe(1); // the first fleet does not ramp
    await eventually(() => expect(fleet.summary()).toMatchObject({ total: 2, healthy: 2, up: 2, panic: false }));

    flaky.mode = "503";
    await eventually(() => expect(states()).toEqual(["up", "down"]));
    expect(fleet.servers()[1]).toMatchObject({ alive: false, reason: "health check failed: status 503 at /health" });
    expect(memory.servers.state[1]).toBe(ServerState.DOWN);

    flaky.mode = "ok";
    await eventually(() => expect(states()).toEqual(["up", "up"]));
    const back = fleet.servers()[1];
    expect(back.reason).toBe("health check passed");
    expect(back.effective_weight).toBeLessThan(0.3);
    expect(memory.servers.effectiveWeight[1]).toBeCloseTo(back.effective_weight, 1);
    expect(log.lines.some((line) => line.startsWith("warn") && line.includes("is down"))).toBe(true);
    expect(fleet.counters().healthCheckFailures).toBeGreaterThanOrEqual(2);
  });

  test("where no check has passed yet, the log says how to name another path; of a server that was well it does not", async () => {
    const [server] = await backends(1);
    server.mode = "503";
    const { fleet, states, log } = makeFleet();
    const whyDown = () => log.lines.filter((line) => line.includes("is down"));
    await fleet.start(fleetOptions(specs([server]), { health: checks }));
    await eventually(() => expect(states()).toEqual(["down"]));
    expect(whyDown()[0]).toContain("status 503 at /health (no check of it has passed yet: HEALTH_CHECK_PATH, ");

    server.mode = "ok";
    await eventually(() => expect(states()).toEqual(["up"]));
    server.mode = "503";
    await eventually(() => expect(states()).toEqual(["down"]));
    expect(whyDown()[1]).toEndWith("status 503 at /health");
  });

  test("refused, hanging and slow servers are told apart, and a dead one never counts as ready", async () => {
    const [refusing, hanging, slow] = await backends(3);
    refusing.stop();
    hanging.mode = "silent";
    slow.delayMs = 100;
    const { fleet, states } = makeFleet();
    await fleet.start(fleetOptions(specs([refusing, hanging, slow]), { health: { ...checks, timeoutMs: 2000 } }));
    expect(fleet.summary().healthy).toBe(0); // none is proven yet
    await eventually(() => expect(states()).toEqual(["down", "down", "up"]));
    expect(fleet.servers().map((server) => server.reason)).toEqual([
      "health check failed: connection refused",
      "health check failed: timeout after 2 s",
      "health check passed",
    ]);
    await refusing.start();
    await eventually(() => expect(states()[0]).toBe("up"));
  });

  test("the operator says which statuses, which text and which port are those of a healthy server", async () => {
    const { fleet, states } = makeFleet();
    const [backend, other] = await backends(2);
    const health = { ...checks, port: backend.port, statuses: [[503, 503]] as const, intervalMs: 50, rise: 1, fall: 1 };
    await fleet.start(fleetOptions(specs([other]), { health: { ...health, body: null } }));
    await eventually(() => expect(states()).toEqual(["down"]));
    expect(fleet.servers()[0].reason).toBe("health check failed: status 200 at /health");
    backend.mode = "503";
    await eventually(() => expect(states()).toEqual(["up"]));
    expect(other.paths).toEqual([]);
    await fleet.update(fleetOptions(specs([other]), { health: { ...health, body: "all is well" } }));
    await eventually(() => expect(states()).toEqual(["down"]));
    expect(fleet.servers()[0].reason).toBe(
      "health check failed: status 503, but its body lacks the text that it should have",
    );
  });

  test("polls usage where it is offered and takes the rest as unknown", async () => {
    const [telling, other] = await backends(2);
    telling.usage = '{"cpu_usage":12.5,"memory_usage":40}';
    const { fleet, memory } = makeFleet();
    const health = { ...checks, enabled: false };
    const options = fleetOptions(specs([telling, other]), { health, metricsPoll: { enabled: true, path: "/metrics" } });
    await fleet.start(options);
    await eventually(() => expect(fleet.servers()[0]).toMatchObject({ cpu_usage: 12.5, memory_usage: 40 }));
    await eventually(() => expect(memory.servers.cpuUsagePercent[0]).toBe(12.5));
    await eventually(() => expect(other.paths).toContain("/metrics"));
    expect(fleet.servers()[1]).toMatchObject({ cpu_usage: null, memory_usage: null, state: "up" });
    const polls = ({ paths }: Backend) => paths.filter((path) => path === "/metrics").length;
    await eventually(() => expect(polls(telling)).toBeGreaterThan(4));
    expect(polls(other)).toBe(1);
    expect(memory.servers.cpuUsagePercent[1]).toBeNaN();
  });

  test("a server that does not offer its usage is left alone until it was down, or the configuration is read again", async () => {
    const [other] = await backends(1);
    const { fleet, states } = makeFleet();
    const health = { ...checks, intervalMs: 20, rise: 1, fall: 1 };
    const options = fleetOptions(specs([other]), { health, metricsPoll: { enabled: true, path: "/metrics" } });
    const polls = () => other.paths.filter((path) => path === "/metrics").length;
    const looks = () => other.paths.filter((path) => path === "/health").length;
    const severalChecks = async () => {
      const before = looks();
      await eventually(() => expect(looks()).toBeGreaterThan(before + 5));
    };
    await fleet.start(options);
    await severalChecks();
    expect(polls()).toBe(1);
    other.mode = "503";
    await eventually(() => expect(states()).toEqual(["down"]));
    other.mode = "ok";
    await eventually(() => expect(states()).toEqual(["up"]));
    await severalChecks();
    expect(polls()).toBe(2);
    await fleet.update(options);
    await severalChecks();
    expect(polls()).toBe(3);
  });
});

describe("outlier ejection", () => {
  const usual = { ...fleetOptions([]).outlier, enabled: true };
  const outlier: FleetOptions["outlier"] = { ...usual, baseEjectionMs: 60_000, maxEjectionMs: 600_000 };

  test("one that gives no answers and may not be ejected is named, and so is that others come first", async () => {
    const { fleet, states, answers, memory, log } = makeFleet();
    const three = [1, 2, 3].map((n) => host(`127.0.0.${n}`, 9));
    await fleet.start(fleetOptions(three, { outlier }));
    for (const slot of [1, 2]) {
      Atomics.store(memory.servers.consecutiveUnanswered, slot, 5);
      answers(slot, 0, 5);
    }
    await eventually(() => expect(states()).toEqual(["up", "ejected", "up"])); // half of three
    expect(fleet.servers()[2].reason).toBe("gives no answers: those that do come first");
    const said = () => log.lines.filter((line) => line.includes("no answer to 5 requests in a row"));
    expect(said()).toEqual([expect.stringContaining("127.0.0.3")]);
    memory.servers.consecutiveUnanswered[2] = 0;
    answers(2, 1, 0);
    await eventually(() => expect(fleet.servers()[2].reason).toBe("health checks are off"));
    expect(said().length).toBe(1);
  });

  test("ejects on failing answers, returns on probation with a trickle, ejects again at once", async () => {
    const { fleet, states, answers, skip, memory, noted } = makeFleet();
    const three = [1, 2, 3].map((n) => host(`127.0.0.${n}`, 9));
    await fleet.start(fleetOptions(three, { outlier, slowStartMs: 60_000 }));
    answers(1, 0, 5);
    await eventually(() => expect(states()).toEqual(["up", "ejected", "up"]));
    expect(noted).toEqual([
      {
        kind: "ejection",
        server: "127.0.0.2:9",
        address: "",
        message: "server http://127.0.0.2:9 (127.0.0.2) is ejected: ejected for 60.0 s: 5 failures in a row",
        detail: { from: "up", to: "ejected", reason: "ejected for 60.0 s: 5 failures in a row" },
      },
    ]);
    expect(memory.servers.state[1]).toBe(ServerState.EJECTED);
    expect(fleet.servers()[1].reason).toBe("ejected for 60.0 s: 5 failures in a row");
    skip(60_000);
    await eventually(() => expect(states()[1]).toBe("up"));
    expect(memory.servers.effectiveWeight[1]).toBeLessThan(0.2);
    expect(memory.servers.consecutiveFailures[1]).toBe(0);
    answers(1, 0, 1);
    await eventually(() => expect(states()[1]).toBe("ejected"));
    expect(fleet.servers()[1].reason).toContain("120.0 s: failed again on its return");
    expect(fleet.counters().ejections).toBe(2);
    skip(120_000);
    await eventually(() => expect(states()[1]).toBe("up"));
    answers(1, 12, 0);
    fleet.tick();
    answers(1, 0, 1);
    fleet.tick();
    expect(states()[1]).toBe("up"); // proven: one failure is no reason any more
  });

  test("an ejected server whose check fails is down, and its checks bring it back long before the ejection ends", async () => {
    const [one, two, three] = await backends(3);
    const { fleet, states, answers } = makeFleet();
    const seldom = { ...checks, intervalMs: 600_000, fall: 3 };
    await fleet.start(
      fleetOptions(specs([one, two, three]), { outlier: { ...outlier, baseEjectionMs: 600_000 }, health: seldom }),
    );
    await eventually(() => expect(fleet.summary().healthy).toBe(3));
    two.stop();
    answers(1, 0, 5);
    await eventually(() => expect(states()).toEqual(["up", "down", "up"])); // one check, at once
    expect(fleet.servers()[1].reason).toBe("health check failed: connection refused");
    await two.start();
    await fleet.update(
      fleetOptions(specs([one, two, three]), { outlier: { ...outlier, baseEjectionMs: 600_000 }, health: checks }),
    );
    await eventually(() => expect(states()).toEqual(["up", "up", "up"]));
  });

  test("ejects on the share of failures, never more than the cap, never the last", async () => {
    const { fleet, states, answers } = makeFleet();
    await fleet.start(
      fleetOptions(
        [1, 2, 3, 4].map((n) => host(`127.0.0.${n}`, 9)),
        { outlier },
      ),
    );
    for (const slot of [0, 1, 2, 3]) answers(slot, 10, 10);
    await eventually(() => expect(states().filter((state) => state === "ejected")).toHaveLength(2));
    await Bun.sleep(300);
    expect(states().filter((state) => state === "up")).toHaveLength(2);
    expect(fleet.servers()[0].error_rate).toBeCloseTo(0.5);
    expect(fleet.servers()[0]).toMatchObject({ requests: 20, failures: 10 });

    const alone = makeFleet();
    await alone.fleet.start(fleetOptions([host("127.0.0.1", 9)], { outlier }));
    alone.answers(0, 0, 100);
    await Bun.sleep(300);
    expect(alone.states()).toEqual(["up"]);
  });
});

test("panic: too few servers, so all are eligible until enough are back", async () => {
  const [one, two] = await backends(2);
  two.stop();
  const { fleet, memory, states } = makeFleet();
  await fleet.start(fleetOptions(specs([one, two]), { health: checks, panicThresholdPercent: 60 }));
  await eventually(() => expect(states()).toEqual(["up", "down"]));
  await eventually(() => expect(memory.pools.panic[0]).toBe(1));
  expect(fleet.summary()).toEqual({ total: 2, healthy: 1, up: 1, usable: 2, panic: true });
  await two.start();
  await eventually(() => expect(memory.pools.panic[0]).toBe(0));
  expect(fleet.counters().panics).toBe(1);
});

describe("membership", () => {
  test("an update whose names don't resolve keeps the servers that are there", async () => {
    const { fleet, hosts, log } = makeFleet();
    hosts.old = { addresses: ["127.0.0.1"], ttlSeconds: 60 };
    await fleet.start(fleetOptions([host("old", 9)]));
    await fleet.update(fleetOptions([host("nowhere", 9)]));
    expect(fleet.servers()).toMatchObject([{ id: 1, address: "127.0.0.1", state: "up" }]);
    expect(fleet.unresolved()).toEqual(["nowhere"]);
    expect(log.lines.filter((line) => line.includes("the servers of the configuration before stay"))).toHaveLength(1);
    hosts.nowhere = { addresses: ["127.0.0.2"], ttlSeconds: 60 };
    await eventually(() => expect(fleet.servers().map(({ state }) => state)).toEqual(["draining", "up"]));
    expect(fleet.unresolved()).toEqual([]);
  });

  test("an update keeps id, state and statistics of who stays, and drains who leaves", async () => {
    const { fleet, states, answers, memory, skip } = makeFleet();
    const seen: (readonly Endpoint[])[] = [];
    fleet.onEndpoints((endpoints) => void seen.push(endpoints));
    const [a, b, c] = [1, 2, 3].map((n) => host(`127.0.0.${n}`, 9));
    await fleet.start(fleetOptions([a, b], { slowStartMs: 60_000 }));
    answers(1, 7, 0);
    Atomics.add(memory.servers.inFlight, 0, 1); // a request on its way to a
    await eventually(() => expect(fleet.servers()[1].requests).toBe(7));

    await fleet.update(fleetOptions([{ ...b, weight: 4 }, c], { slowStartMs: 60_000 }));
    expect(fleet.servers().map(({ id, state, weight, requests }) => [id, state, weight, requests])).toEqual([
      [1, "draining", 1, 0],
      [2, "up", 4, 7],
      [3, "up", 1, 0],
    ]);
    expect(fleet.servers()[1].effective_weight).toBe(4);
    expect(fleet.servers()[2].effective_weight).toBeCloseTo(0.1); // a newcomer ramps
    expect(fleet.endpoints().map((endpoint) => endpoint.id)).toEqual([1, 2, 3]);
    expect(fleet.summary().total).toBe(2);

    skip(5000);
    await Bun.sleep(300);
    expect(states()).toHaveLength(3); // its request is still under way
    Atomics.sub(memory.servers.inFlight, 0, 1);
    await eventually(() => expect(fleet.endpoints().map((endpoint) => endpoint.id)).toEqual([2, 3]));
    expect([memory.servers.id[0], memory.servers.state[0]]).toEqual([0, ServerState.EMPTY]);

    memory.workers[0].responses[0] += 50; // counted by the slot's last server
    await fleet.update(fleetOptions([b, c, a]));
    const again = fleet.servers()[2];
    expect([again.id, again.requests]).toEqual([4, 0]); // the slot is used again, the id is not
    expect(fleet.endpoints()[2].slot).toBe(0);
    expect(seen.length).toBeGreaterThanOrEqual(4);
    expect(seen.at(-1)).toEqual(fleet.endpoints());
  });

  test("follows DNS, and keeps the last addresses when DNS fails", async () => {
    const { fleet, hosts, skip, states, noted } = makeFleet();
    hosts["app.test"] = { addresses: ["127.0.0.1", "127.0.0.2"], ttlSeconds: 5 };
    await fleet.start(fleetOptions([host("app.test", 9), host("late.test", 9)]));
    expect(fleet.endpoints()).toMatchObject([
      { id: 1, url: "http://app.test:9", hostname: "app.test", address: "127.0.0.1", port: 9, tls: false },
      { id: 2, address: "127.0.0.2" },
    ]);
    hosts["app.test"] = { addresses: ["127.0.0.2", "127.0.0.3"], ttlSeconds: 5 };
    hosts["late.test"] = { addresses: ["127.0.0.9"], ttlSeconds: 5 };
    skip(5000);
    await eventually(() => expect(fleet.summary().total).toBe(3));
    const present = fleet.servers().filter((server) => server.state === "up");
    expect(present.map(({ id, address }) => [id, address])).toContainEqual([2, "127.0.0.2"]);
    expect(present.map((server) => server.address).sort()).toEqual(["127.0.0.2", "127.0.0.3", "127.0.0.9"]);
    const moves = noted.filter(({ kind }) => kind === "server_added" || kind === "server_removed");
    expect(moves.map(({ kind, server, address, actor }) => `${kind} ${server} ${address} ${actor}`).sort()).toEqual([
      "server_added app.test:9 127.0.0.3 discovery",
      "server_added late.test:9 127.0.0.9 discovery",
      "server_removed app.test:9 127.0.0.1 discovery",
    ]);
    hosts["app.test"] = undefined;
    hosts["late.test"] = undefined;
    const before = fleet.counters().dnsFailures;
    skip(5000);
    await eventually(() => expect(fleet.counters().dnsFailures).toBeGreaterThan(before));
    expect(states().filter((state) => state === "up")).toHaveLength(3);
  });

  test("more servers than fit: the first ones are kept, the rest is said", async () => {
    const { fleet, log } = makeFleet();
    await fleet.start(fleetOptions(Array.from({ length: MAX_SERVERS + 3 }, (_, i) => host("127.0.0.1", 1000 + i))));
    expect(fleet.summary().total).toBe(MAX_SERVERS);
    expect(log.lines.filter((line) => line.startsWith("error"))).toEqual([
      "error more servers than the limit of 512: 3 are left out",
    ]);
  });

  test("an operator drains, weighs and limits; unknown servers and wrong numbers are refused", async () => {
    const { fleet, memory, states } = makeFleet();
    const a = host("127.0.0.1", 9);
    await fleet.start(fleetOptions([a, host("127.0.0.2", 9)]));
    expect(fleet.withdraw(1, DRAINED)).toBe(true);
    expect(states()).toEqual(["draining", "up"]);
    expect(memory.servers.state[0]).toBe(ServerState.DRAINING);
    expect(fleet.bringBack(1)).toBe(true);
    expect(states()).toEqual(["up", "up"]);
    expect(fleet.setWeight(1, 2.5)).toBe(true);
    expect(fleet.setCapacity(1, 20)).toBe(true);
    expect(fleet.servers()[0]).toMatchObject({ weight: 2.5, capacity: 20, hard_limit: 20 });
    expect([memory.servers.weight[0], memory.servers.hardLimit[0]]).toEqual([2.5, 20]);
    await fleet.update(fleetOptions([a, host("127.0.0.2", 9)]));
    expect(fleet.servers()[0].weight).toBe(2.5);
    await fleet.update(fleetOptions([{ ...a, weight: 3 }, host("127.0.0.2", 9)]));
    expect(fleet.servers()[0].weight).toBe(3);
    const refused = [
      fleet.withdraw(99, DRAINED),
      fleet.setWeight(1, 0),
      fleet.setWeight(1, Number.NaN),
      fleet.setCapacity(1, -1),
    ];
    expect(refused).toEqual([false, false, false, false]);
  });
});

test("an idle fleet publishes nothing", async () => {
  const { fleet, memory } = makeFleet();
  await fleet.start(fleetOptions([host("127.0.0.1", 9)]));
  const version = serverTableVersion(memory);
  for (let i = 0; i < 20; i++) fleet.tick();
  expect(serverTableVersion(memory)).toBe(version);
  expect(version % 2).toBe(0);
});

test("another process never sees half of an update", async () => {
  const directory = createRuntimeDirectory();
  cleanups.push(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, "memory");
  const memory = createSharedMemory(path);
  const writer = new ServerTableWriter(memory);
  const publish = (n: number) => {
    const row = { id: n, pool: 0, state: ServerState.UP, weight: n, effectiveWeight: n, capacity: n, hardLimit: n };
    writer.publish(new Map(Array.from({ length: 64 }, (_, slot) => [slot, row])), 0, n % 2 === 1);
  };
  publish(1);
  const reader = spawn([process.execPath, join(import.meta.dir, "table-reader-process.ts"), path], {
    stdout: "pipe",
  });
  let n = 1;
  while (reader.exitCode === null) {
    for (let i = 0; i < 50; i++) publish(++n);
    await Bun.sleep(0);
  }
  const { torn, versions } = JSON.parse(await new Response(reader.stdout).text());
  expect(torn).toBe(0);
  expect(versions).toBeGreaterThan(10); // it did read while the table changed
});
