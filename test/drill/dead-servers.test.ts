/** Fleets of which most refuse connections, and a supervisor that is held up: what clients notice of it. */
import { describe, expect, test } from "bun:test";
import { STRATEGY_NAMES } from "../../src/balancing/registry.ts";
import { endedAfterAll } from "../support/ended-after-all.ts";
import {
  answer,
  type Behaviour,
  fail,
  figures,
  isGood,
  type Outcome,
  Product,
  report,
  request,
  type Scripted,
  serversOn,
  startScripted,
  until,
} from "./fixture.ts";

const open = endedAfterAll();
const CLIENTS = 8;

/** Clients that each send one request after the other. */
async function ask(port: number, each: number, method = "GET"): Promise<Outcome[]> {
  const clients = Array.from({ length: CLIENTS }, async (_, client) => {
    const outcomes: Outcome[] = [];
    for (let i = 0; i < each; i++) {
      const length = method === "POST" ? "Content-Length: 2\r\n" : "";
      const raw = `${method} / HTTP/1.1\r\nHost: drill\r\nX-Key: ${client}-${i}\r\n${length}Connection: close\r\n\r\n`;
      outcomes.push(await request(port, { raw: length === "" ? raw : `${raw}hi` }));
    }
    return outcomes;
  });
  return (await Promise.all(clients)).flat();
}

/** Servers of which only the last `alive` listen. */
async function fleet(alive: number, all: number): Promise<Scripted[]> {
  const servers = await startScripted(...Array.from({ length: all }, () => answer));
  open.push(...servers);
  await Promise.all(servers.slice(0, all - alive).map((server) => server.stop()));
  return servers;
}

describe("most of the fleet refuses connections", () => {
  test.each([
    [2, 5, "true"],
    [1, 4, "true"],
    [2, 7, "true"],
    [2, 5, "false"],
    [1, 2, "false"],
  ])("%i of %i serve, from the first request on (health checks: %s)", async (alive, all, checks) => {
    const servers = await fleet(alive, all);
    const product = new Product({ SERVERS: serversOn(...servers), HEALTH_CHECK_ENABLED: checks });
    open.push(product);
    await until(() => product.said("balancing over"));
    const port = product.said("balancing over")?.port as number;
    for (const method of ["GET", "POST"]) {
      const seen = report(await ask(port, 25, method));
      figures(`${alive} of ${all} alive, checks ${checks}, ${method}`, seen);
      expect({ method, why: seen.why }).toEqual({ method, why: {} });
    }
  });

  test("also when the rest answers requests and checks alike with an error", async () => {
    const [fine, ...bad] = await startScripted(answer, fail, fail, fail);
    for (const server of bad) server.healthy = false;
    const product = await new Product({ SERVERS: serversOn(fine, ...bad), LB_STRATEGY: "round_robin" }).ready();
    open.push(product, fine, ...bad);
    await until(async () => (await product.servers()).filter(({ state }) => state === "down").length === 3);
    await ask(product.port, 20);
    // Each of them takes five failures in a row, one more of each worker and client, and a trial now and then.
    expect(bad.reduce((sum, { requests }) => sum + requests, 0)).toBeLessThan(3 * (5 + CLIENTS + 2));
    const before = bad.map(({ requests }) => requests);
    bad[0].behaviour = answer; // a wrong check, and it is well: found out by a trial
    await until(async () => {
      await ask(product.port, 1);
      return bad[0].requests > before[0] + 20;
    });
  });

  test("one that comes back serves again, in panic too", async () => {
    const servers = await fleet(1, 4);
    const product = new Product({ SERVERS: serversOn(...servers) });
    open.push(product);
    await product.ready();
    await ask(product.port, 5);
    expect(await product.degraded("panic")).toBe(1);
    await servers[0].start();
    await until(async () => {
      expect((await ask(product.port, 2)).every(isGood)).toBe(true);
      return servers[0].requests > 0;
    });
  });
});

describe("while the supervisor is stopped", () => {
  const close: Behaviour = (socket) => socket.destroy();

  test.each([
    ["answers 500", fail],
    ["closes without an answer", close],
  ] as const)("a server that %s gets five requests and what is in flight", async (_kind, behaviour) => {
    const fine = await startScripted(answer, answer, answer);
    const product = new Product({
      SERVERS: serversOn(...fine),
      HASH_ON: "header:x-key",
      OUTLIER_BASE_EJECTION_SECONDS: "300", // no trial in between
    });
    open.push(product, ...fine);
    await product.ready();
    const { pid } = await product.status();
    for (const strategy of STRATEGY_NAMES) {
      const [bad] = await startScripted(behaviour);
      open.push(bad);
      await product.reload({ SERVERS: serversOn(fine[0], bad, ...fine.slice(1)), LB_STRATEGY: strategy });
      await until(async () => (await product.server(bad.port)).state === "up");
      await Bun.sleep(200); // workers have heard of it
      process.kill(pid, "SIGSTOP");
      try {
        const seen = report(await ask(product.port, 30, "POST"));
        figures(`stopped supervisor, ${strategy}`, seen, { bad: bad.requests });
        expect({ strategy, failed: seen.failed }).toEqual({ strategy, failed: bad.requests });
        // One more of each worker: they hear of each other's failures a moment later.
        expect(bad.requests).toBeLessThanOrEqual(5 + CLIENTS + 2);
      } finally {
        process.kill(pid, "SIGCONT");
      }
    }
  });
});
