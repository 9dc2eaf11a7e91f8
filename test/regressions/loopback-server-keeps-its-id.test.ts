/**
 * A server at `localhost` that restarts was taken for the one of the other loopback address, got a new id each time and
 * lost what an operator had said of it.
 */
import { afterAll, expect, test } from "bun:test";
import { createServer, type Server } from "node:net";
import { Fleet } from "../../src/control/fleet/fleet.ts";
import { FleetTable } from "../../src/control/fleet/table.ts";
import { Header, SHARED_BYTES, viewSharedMemory } from "../../src/shared/memory/layout/shared-memory.ts";
import { eventually } from "../integration/control/fleet/fixtures.ts";
import { freePort } from "../support/ports/free-port.ts";
import { Backend, cleanUp, get, ok, TestProxy } from "../support/proxy-harness.ts";
import { DRAINED, fleetOptions, host, quietLog } from "../unit/control/fleet/fixtures.ts";

afterAll(cleanUp);

const listeners: Server[] = [];
afterAll(() => {
  for (const listener of listeners) listener.close();
});

async function listen(address: string, port: number): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  listeners.push(server);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: address, port }, resolve);
  });
  return server;
}

const close = (server: Server) => new Promise((resolve) => server.close(resolve));

test("id and drain outlast a restart, also at the other address", async () => {
  const port = freePort();
  const first = await listen("::1", port);
  const memory = viewSharedMemory(new ArrayBuffer(SHARED_BYTES));
  memory.header[Header.WORKER_BLOCKS] = 1;
  let skewMs = 0;
  let lookups = 0;
  const fleet = new Fleet({
    pool: 0,
    table: new FleetTable(memory),
    log: quietLog(),
    clock: { nowMs: () => performance.now() + skewMs, wallMs: () => Date.now() + skewMs },
    random: () => 0,
    resolver: {
      lookup: async () => {
        lookups++;
        return { addresses: ["127.0.0.1", "::1"], ttlSeconds: 1 };
      },
      srv: () => Promise.reject(new Error("ENOTFOUND")),
    },
  });
  /** Resolves again, and once more: what came of the first is in force when the second begins. */
  const resolveAgain = async () => {
    for (let i = 0; i < 2; i++) {
      const before = lookups;
      skewMs += 1000;
      await eventually(() => expect(lookups).toBeGreaterThan(before));
    }
  };
  await fleet.start(fleetOptions([host("localhost", port)]));
  try {
    const seen = () => fleet.servers().map(({ id, address, state }) => [id, address, state]);
    expect(seen()).toEqual([[1, "::1", "up"]]);
    fleet.withdraw(1, DRAINED);
    await close(first);
    await resolveAgain();
    expect(seen()).toEqual([[1, "::1", "draining"]]);
    await listen("127.0.0.1", port);
    await resolveAgain();
    await eventually(() => expect(seen()).toEqual([[1, "127.0.0.1", "draining"]]));
    expect(fleet.endpoints()).toMatchObject([{ id: 1, address: "127.0.0.1" }]);
  } finally {
    fleet.stop();
  }
});

test("a worker asks a server where it is now", async () => {
  const six = await Backend.answering(() => ok("six"), { host: "::1", port: freePort() });
  const four = await Backend.answering(() => ok("four"), { port: six.port });
  const proxy = new TestProxy([{ port: six.port, host: "::1", hostname: "localhost" }]);
  expect((await proxy.ask(get())).body.toString()).toBe("six");
  proxy.setTargets([{ port: four.port, host: "127.0.0.1", hostname: "localhost", id: 1 }]);
  expect((await proxy.ask(get())).body.toString()).toBe("four");
});
