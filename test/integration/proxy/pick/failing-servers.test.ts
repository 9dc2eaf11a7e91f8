/**
 * Fleets of which some servers are of no use, in every way that there is, under every strategy: the others serve, and
 * nobody waits for the control plane, which these tests do without.
 */
import { afterAll, describe, expect, test } from "bun:test";
import { STRATEGY_NAMES } from "../../../../src/balancing/registry.ts";
import { ServerState } from "../../../../src/shared/memory/layout/shared-memory.ts";
import { startFullServer } from "../../../support/deaf-server.ts";
import { REFUSING_PORT } from "../../../support/ports/free-port.ts";
import { Backend, cleanUp, eventually, get, ok, type Target, TestProxy } from "../../../support/proxy-harness.ts";

const CLIENTS = 8;
const SETTINGS = {
  outlierConsecutiveFailures: 5,
  hashOn: "header:x-key",
  // What is repeated after a server has had it costs budget; here it is enough.
  retryBudgetPercent: 1000,
} as const;

type FleetSize = readonly [alive: number, all: number];

/** k of n servers are alive: every case there is, and some of them. */
const ALL_FLEETS: readonly FleetSize[] = [2, 3, 4, 5, 6, 7].flatMap((all) =>
  Array.from({ length: all - 1 }, (_, i) => [i + 1, all] as const),
);
const SOME_FLEETS: readonly FleetSize[] = ALL_FLEETS.filter(([k, n]) =>
  ["1/2", "1/4", "2/5", "2/7"].includes(`${k}/${n}`),
);
const TWO_FLEETS = SOME_FLEETS.filter(([, n]) => n === 4 || n === 5);

/** What hangs is waited for so long; whoever lives connects at once, if the machine has a moment for it. */
const HANGS_MS = 150;

const REFUSING: Target = { port: REFUSING_PORT };

afterAll(cleanUp);

/** Ways of being dead that keep the request from being sent at all. */
const UNREACHABLE: Readonly<Record<string, () => Promise<Target>>> = {
  refuses: async () => REFUSING,
  "hangs while connecting": deafTarget,
  "fails the TLS handshake": async () => {
    const { port } = await Backend.start((connection) => connection.reset());
    return { port, tls: true };
  },
};

async function deafTarget(): Promise<Target> {
  const deaf = await startFullServer();
  afterAll(() => deaf.stop());
  return { port: deaf.port };
}

/** A fleet of its own for each turn of a proxy, as the supervisor would publish it. */
class Fleets {
  readonly proxy: TestProxy;
  #nextId = 1;

  constructor(proxy: TestProxy) {
    this.proxy = proxy;
  }

  /** @param panic the dead are known to be down, and so few are left that all take requests. */
  publish(targets: readonly Target[], dead: ReadonlySet<Target>, panic: boolean): void {
    const { servers } = this.proxy.memory;
    servers.consecutiveFailures.fill(0);
    servers.consecutiveUnanswered.fill(0);
    this.proxy.setTargets(targets.map((target) => ({ ...target, id: this.#nextId++ })));
    if (!panic) return;
    targets.forEach((target, slot) => {
      if (dead.has(target)) this.proxy.setState(slot, ServerState.DOWN, true);
    });
  }
}

/** The request of a client that has sent `number` before it. */
function keyed(client: number, number: number, method: string): string {
  const body = method === "POST" ? "hi" : "";
  return get("/", `X-Key: ${client}-${number}\r\n${body && "Content-Length: 2\r\n"}`, method) + body;
}

/** Eight clients with `each` requests one after the other; statuses of all. */
async function ask(proxy: TestProxy, each: number, method = "GET"): Promise<number[]> {
  const clients = Array.from({ length: CLIENTS }, async (_, client) => {
    const statuses: number[] = [];
    for (let i = 0; i < each; i++) statuses.push((await proxy.ask(keyed(client, i, method))).status);
    return statuses;
  });
  return (await Promise.all(clients)).flat();
}

function others(statuses: readonly number[]): number[] {
  return statuses.filter((status) => status !== 200);
}

/** The alive ones are put among the dead, so that neither are first. */
function mixed(alive: readonly Target[], dead: readonly Target[]): Target[] {
  const fleet = [...dead];
  alive.forEach((target, i) => {
    fleet.splice(i * 2 + 1, 0, target);
  });
  return fleet;
}

describe("servers that cannot be reached", () => {
  const kinds = Object.keys(UNREACHABLE).flatMap((kind) => STRATEGY_NAMES.map((strategy) => [kind, strategy] as const));

  test.each(kinds)("one that %s fails no request while another lives, under %s", async (kind, strategy) => {
    const all = strategy === "least_connections";
    const sizes = kind === "refuses" ? (all ? ALL_FLEETS : SOME_FLEETS) : all ? SOME_FLEETS : TWO_FLEETS;
    const alive = await Promise.all([1, 2, 3, 4, 5, 6].map(() => Backend.answering(() => ok("alive"))));
    const dead = await UNREACHABLE[kind]();
    const hanging = kind === "hangs while connecting" ? { connectTimeoutMs: HANGS_MS } : {};
    const proxy = new TestProxy([], { settings: { ...SETTINGS, ...hanging, strategy } });
    const fleets = new Fleets(proxy);
    for (const panic of [false, true]) {
      for (const [k, n] of sizes) {
        const doors = Array.from({ length: n - k }, () => ({ ...dead }));
        fleets.publish(mixed(alive.slice(0, k), doors), new Set(doors), panic);
        for (const method of ["GET", "POST"]) {
          const failed = others(await ask(proxy, 3, method));
          expect({ k, n, panic, method, failed }).toEqual({ k, n, panic, method, failed: [] });
        }
      }
    }
    expect(proxy.inFlight).toBe(0);
    expect(proxy.logged).toEqual([]);
  });
});

describe("servers that take a request and close", () => {
  test.each([...STRATEGY_NAMES])("get no more once they have failed five in a row, under %s", async (strategy) => {
    const alive = await Promise.all([1, 2].map(() => Backend.answering(() => ok("alive"))));
    // As long as nothing is known of any server, a request may come to all of the doors, one after the other.
    const proxy = new TestProxy([], { settings: { ...SETTINGS, strategy, retryAttempts: 5 } });
    const fleets = new Fleets(proxy);
    for (const panic of [false, true]) {
      for (const [k, n] of SOME_FLEETS) {
        const doors = await Promise.all(
          Array.from({ length: n - k }, () =>
            Backend.start(async (connection) => {
              await connection.message();
              connection.destroy();
            }),
          ),
        );
        fleets.publish(mixed(alive.slice(0, k), doors), new Set<Target>(doors), panic);
        const asked = () => doors.reduce((sum, door) => sum + door.connections.length, 0);
        expect({ k, n, panic, failed: others(await ask(proxy, 6)) }).toEqual({ k, n, panic, failed: [] });
        // Nobody knows what became of a POST that a server has had: those that it gets fail.
        const before = asked();
        expect(others(await ask(proxy, 10, "POST")).length).toBe(asked() - before);
        for (const door of doors) expect(door.connections.length).toBeLessThanOrEqual(5 + CLIENTS);
        for (const door of doors) door.stop();
      }
    }
  });
});

describe("passing over", () => {
  /** A server that answers every request with `status`, and how many it got. */
  async function answering(status: () => number) {
    const seen = { asked: 0 };
    const backend = await Backend.answering(() => {
      seen.asked++;
      return `HTTP/1.1 ${status()} So\r\nContent-Length: 0\r\n\r\n`;
    });
    return { backend, seen };
  }

  test.each([...STRATEGY_NAMES])("a server that answers 500 at once gets about five, under %s", async (strategy) => {
    const bad = await answering(() => 500);
    const fine = await Promise.all([1, 2, 3].map(() => Backend.answering(() => ok("fine"))));
    const proxy = new TestProxy([fine[0], bad.backend, fine[1], fine[2]], { settings: { ...SETTINGS, strategy } });
    const failed = others(await ask(proxy, 40));
    expect(failed.length).toBe(bad.seen.asked);
    expect(bad.seen.asked).toBeLessThanOrEqual(5 + CLIENTS);
  });

  test("no more answer with errors and are passed over than may be ejected, and what others count is noticed", async () => {
    const servers = await Promise.all([1, 2, 3, 4].map(() => answering(() => 500)));
    const fine = await answering(() => 200);
    const proxy = new TestProxy([...servers.map(({ backend }) => backend), fine.backend], { settings: SETTINGS });
    proxy.memory.servers.consecutiveFailures.fill(9, 0, 4);
    await Bun.sleep(200); // the next tick sees it
    await ask(proxy, 5);
    // Half of five: two are passed over, the other two are not.
    expect(servers.map(({ seen }) => seen.asked > 0)).toEqual([false, false, true, true]);
    expect(fine.seen.asked).toBeGreaterThan(0);
  });

  test("with ejection off nobody is passed over while there is no panic", async () => {
    const bad = await answering(() => 500);
    const fine = await answering(() => 200);
    const settings = { ...SETTINGS, strategy: "round_robin", outlierConsecutiveFailures: 0 };
    const proxy = new TestProxy([bad.backend, fine.backend], { settings });
    await ask(proxy, 5);
    expect(bad.seen.asked).toBe((CLIENTS * 5) / 2);
  });

  test("when all fail, all are asked", async () => {
    const servers = await Promise.all([1, 2, 3].map(() => Backend.start((connection) => connection.destroy())));
    const proxy = new TestProxy(servers, { settings: SETTINGS });
    await ask(proxy, 10);
    const before = servers.map(({ connections }) => connections.length);
    expect((await ask(proxy, 10)).every((status) => status === 502)).toBe(true);
    for (const [i, { connections }] of servers.entries()) expect(connections.length).toBeGreaterThan(before[i]);
  });

  test("a server that is well again is found by one request from time to time, whatever the method", async () => {
    for (const method of ["GET", "POST"]) {
      let status = 500;
      const bad = await answering(() => status);
      const fine = await answering(() => 200);
      const settings = { ...SETTINGS, outlierBaseEjectionMs: 300 };
      const proxy = new TestProxy([bad.backend, fine.backend], { settings });
      const beganMs = performance.now();
      for (let i = 0; i < 3 && bad.seen.asked < 5; i++) await ask(proxy, 10, method);
      const ejected = bad.seen.asked;
      const trials = Math.ceil((performance.now() - beganMs) / settings.outlierBaseEjectionMs);
      expect(ejected).toBeLessThanOrEqual(5 + CLIENTS + trials);
      status = 200;
      // One at a time: as soon as it has answered it is as good as the other.
      await eventually(async () => {
        expect((await proxy.ask(keyed(0, 0, method))).status).toBe(200);
        return proxy.memory.servers.consecutiveFailures[0] === 0;
      });
      const found = bad.seen.asked;
      expect(found).toBe(ejected + 1);
      await ask(proxy, 10, method);
      expect(bad.seen.asked).toBeGreaterThan(found);
    }
  });

  test("the one server that answers is waited for when it is full", async () => {
    let open = 0;
    let most = 0;
    const alive = await Backend.answering(async () => {
      most = Math.max(most, ++open);
      await Bun.sleep(2);
      open--;
      return ok("alive");
    });
    const targets = [REFUSING, REFUSING, REFUSING, REFUSING, { port: alive.port, hardLimit: 2 }];
    const proxy = new TestProxy(targets, { settings: SETTINGS });
    for (const method of ["GET", "POST"]) expect(others(await ask(proxy, 10, method))).toEqual([]);
    expect(most).toBeLessThanOrEqual(2);
    expect(proxy.inFlight).toBe(0);
  });

  test("no request is hedged to a server that fails all", async () => {
    const alive = await Backend.answering(async () => {
      await Bun.sleep(60);
      return ok("alive");
    });
    const settings = { ...SETTINGS, hedgeAfterMs: 5, hedgeBudgetPercent: 100 };
    const proxy = new TestProxy([REFUSING, alive], { settings });
    expect(others(await ask(proxy, 3))).toEqual([]);
    const hedges = proxy.counter("HEDGES");
    expect(others(await ask(proxy, 2))).toEqual([]);
    expect(proxy.counter("HEDGES")).toBe(hedges);
  });

  test("an answer of an error is kept when the others are dead", async () => {
    const only = await answering(() => 503);
    const proxy = new TestProxy([REFUSING, REFUSING, only.backend], {
      settings: { ...SETTINGS, retryOnStatus: [503] },
    });
    await ask(proxy, 3);
    expect((await ask(proxy, 2)).every((status) => status === 503)).toBe(true);
  });
});
