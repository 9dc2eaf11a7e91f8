/** `GET /health/ready` at both ports: what a worker says of itself and what the admin API says, of one fleet. */
import { afterEach, expect, test } from "bun:test";
import { policyOf } from "../../../../src/control/admin/access/policy.ts";
import { AdminApi } from "../../../../src/control/admin/api.ts";
import type { AdminControl } from "../../../../src/control/admin/routes/routes.ts";
import type { LookupAnswer } from "../../../../src/control/discovery/dns/resolver.ts";
import { Fleet } from "../../../../src/control/fleet/fleet.ts";
import { FleetTable } from "../../../../src/control/fleet/table.ts";
import { readinessResponse } from "../../../../src/proxy/downstream/health-responses.ts";
import { Header, SHARED_BYTES, viewSharedMemory } from "../../../../src/shared/memory/layout/shared-memory.ts";
import { readReadiness } from "../../../../src/shared/memory/readiness.ts";
import { DRAINED, fleetOptions, host, quietLog } from "../../../unit/control/fleet/fixtures.ts";
import { recordingLogger } from "../processes/fixture.ts";
import { Backend, eventually } from "./fixtures.ts";

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0)) clean();
});

const checks = { enabled: true, path: "/health", intervalMs: 200, timeoutMs: 60_000, rise: 1, fall: 1 };

function makeInstance() {
  const memory = viewSharedMemory(new ArrayBuffer(SHARED_BYTES));
  const hosts: Record<string, LookupAnswer> = {};
  const fleet = new Fleet({
    pool: 0,
    table: new FleetTable(memory),
    log: quietLog(),
    clock: { nowMs: () => performance.now(), wallMs: () => Date.now() },
    random: () => 0,
    resolver: {
      lookup: async (name) => hosts[name] ?? Promise.reject(new Error("ENOTFOUND")),
      srv: () => Promise.reject(new Error("ENOTFOUND")),
    },
  });
  cleanups.push(() => fleet.stop());
  const control = { readiness: () => readReadiness(memory, []), support: { asks: () => {} } };
  const api = new AdminApi(control as unknown as AdminControl, recordingLogger().log);
  /** What both ports say: it must be the same. */
  const ask = async (): Promise<[status: number, body: unknown]> => {
    const { status, body } = readinessResponse(memory, []);
    const response = await api.handle(new Request("http://localhost/health/ready"), {
      kind: "admin",
      client: "127.0.0.1",
      policy: policyOf({ token: null, tokens: null, allowedHosts: null }, "127.0.0.1"),
    });
    expect([response.status, await response.text()]).toEqual([status, body as string]);
    return [status, JSON.parse(body as string)];
  };
  const becomes = (status: string, total: number, healthy: number): Promise<void> => {
    const expected = [status === "ready" ? 200 : 503, { status, total, healthy }];
    return eventually(async () => expect(await ask()).toEqual(expected as never));
  };
  return { memory, hosts, fleet, ask, becomes };
}

async function startBackend(mode: Backend["mode"] = "ok"): Promise<Backend> {
  const backend = new Backend();
  backend.mode = mode;
  await backend.start();
  cleanups.push(() => backend.stop());
  return backend;
}

test("before there is a fleet, and with names that nobody knows, there is no server to be ready", async () => {
  const { fleet, hosts, ask, becomes } = makeInstance();
  expect(await ask()).toEqual([503, { status: "not_ready", total: 0, healthy: 0 }]);
  const { port } = await startBackend();
  await fleet.start(fleetOptions([host("late.example", port)], { dns: { minTtlMs: 10, maxTtlMs: 10 } }));
  expect(await ask()).toEqual([503, { status: "not_ready", total: 0, healthy: 0 }]);
  hosts["late.example"] = { addresses: ["127.0.0.1"], ttlSeconds: 60 };
  await becomes("ready", 1, 1);
});

test("a server that takes requests but that no check has seen is not ready yet", async () => {
  const { fleet, ask, becomes } = makeInstance();
  const [silent, good] = [await startBackend("silent"), await startBackend("silent")];
  const servers = [silent, good].map(({ port }) => host("127.0.0.1", port));
  await fleet.start(fleetOptions(servers, { health: checks }));
  expect(fleet.servers().map(({ state, alive }) => [state, alive])).toEqual([
    ["starting", true],
    ["starting", true],
  ]);
  expect(await ask()).toEqual([503, { status: "not_ready", total: 2, healthy: 0 }]);
  good.mode = "ok";
  await fleet.update(fleetOptions([servers[1]], { health: checks }));
  expect(await ask()).toEqual([503, { status: "not_ready", total: 1, healthy: 0 }]);
  good.stop(); // its check under way fails, the next one succeeds
  await good.start();
  await becomes("ready", 1, 1);
});

test("without checks there is nothing to wait for", async () => {
  const { fleet, ask } = makeInstance();
  await fleet.start(fleetOptions([host("127.0.0.1", 1), host("127.0.0.1", 2)]));
  expect(await ask()).toEqual([200, { status: "ready", total: 2, healthy: 2 }]);
});

test("servers that are down, drained or removed count as such, in panic too", async () => {
  const { fleet, memory, ask, becomes } = makeInstance();
  const [good, bad] = [await startBackend(), await startBackend("503")];
  const options = fleetOptions(
    [good, bad].map(({ port }) => host("127.0.0.1", port)),
    { health: checks, panicThresholdPercent: 90 },
  );
  await fleet.start(options);
  await becomes("ready", 2, 1);
  await eventually(() => expect(memory.pools.panic[0]).toBe(1));
  expect(await ask()).toEqual([200, { status: "ready", total: 2, healthy: 1 }]);
  fleet.withdraw(1, DRAINED);
  expect(await ask()).toEqual([503, { status: "not_ready", total: 2, healthy: 0 }]);
  fleet.bringBack(1);
  expect(await ask()).toEqual([200, { status: "ready", total: 2, healthy: 1 }]);
  Atomics.add(memory.servers.inFlight, 1, 1); // one request is under way: the server drains, and is shown
  await fleet.update({ ...options, servers: options.servers.slice(0, 1) });
  expect(fleet.servers().length).toBe(2);
  expect(await ask()).toEqual([200, { status: "ready", total: 1, healthy: 1 }]);
});

test("stopping goes before everything; what was counted last stands when nobody counts any more", async () => {
  const { fleet, memory, ask } = makeInstance();
  await fleet.start(fleetOptions([host("127.0.0.1", 1)]));
  fleet.stop();
  expect(await ask()).toEqual([200, { status: "ready", total: 1, healthy: 1 }]);
  memory.header[Header.DRAINING] = 1;
  expect(await ask()).toEqual([503, { status: "draining", total: 1, healthy: 1 }]);
});
