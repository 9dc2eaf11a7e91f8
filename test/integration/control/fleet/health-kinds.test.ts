/** What a fleet asks its servers, by the protocol of their URLs and by what is configured. */
import { afterEach, expect, test } from "bun:test";
import { createServer, type Http2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { Fleet } from "../../../../src/control/fleet/fleet.ts";
import type { HealthOptions } from "../../../../src/control/fleet/options.ts";
import { FleetTable } from "../../../../src/control/fleet/table.ts";
import { Header, SHARED_BYTES, viewSharedMemory } from "../../../../src/shared/memory/layout/shared-memory.ts";
import { Serving, startGrpcHealthServer } from "../../../support/grpc/health-server.ts";
import { fleetOptions, host, quietLog } from "../../../unit/control/fleet/fixtures.ts";
import { Backend, eventually } from "./fixtures.ts";

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0)) clean();
});

const CHECKS = { enabled: true, path: "/health", intervalMs: 100, timeoutMs: 10_000, rise: 1, fall: 1 };

async function start(ports: readonly number[], health: Partial<HealthOptions>): Promise<Fleet> {
  const memory = viewSharedMemory(new ArrayBuffer(SHARED_BYTES));
  memory.header[Header.WORKER_BLOCKS] = 1;
  const fleet = new Fleet({
    pool: 0,
    table: new FleetTable(memory),
    log: quietLog(),
    events: { note: () => {} },
    clock: { nowMs: () => performance.now(), wallMs: () => Date.now() },
    random: () => 0,
    resolver: { lookup: () => Promise.reject(new Error("none")), srv: () => Promise.reject(new Error("none")) },
  });
  cleanups.push(() => fleet.stop());
  const specs = ports.map((port) => ({
    ...host("127.0.0.1", port),
    scheme: "h2c" as const,
    url: `h2c://127.0.0.1:${port}`,
  }));
  await fleet.start(fleetOptions(specs, { health: { ...CHECKS, ...health } }));
  return fleet;
}

const states = (fleet: Fleet) => fleet.servers().map(({ state }) => state);

async function http2Server(): Promise<{ server: Http2Server; port: number; paths: string[] }> {
  const paths: string[] = [];
  const server = createServer((request, response) => {
    paths.push(request.url);
    response.writeHead(request.url === "/health" ? 204 : 404);
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => server.close());
  return { server, port: (server.address() as AddressInfo).port, paths };
}

test("servers of HTTP/2 are asked in HTTP/2", async () => {
  const { port, paths } = await http2Server();
  const fleet = await start([port], {});
  await eventually(() => expect(paths.filter((path) => path === "/health").length).toBeGreaterThan(1));
  expect(states(fleet)).toEqual(["up"]);
});

test("HEALTH_CHECK_TYPE and HEALTH_CHECK_GRPC_SERVICE say how servers are asked", async () => {
  const health: Record<string, number> = { "": Serving.SERVING, "shop.v1.Orders": Serving.NOT_SERVING };
  const grpc = await startGrpcHealthServer(health);
  cleanups.push(grpc.stop);
  const whole = await start([grpc.port], { type: "grpc" });
  await eventually(() => expect(states(whole)).toEqual(["up"]));
  const orders = await start([grpc.port], { type: "grpc", grpcService: "shop.v1.Orders" });
  await eventually(() => expect(states(orders)).toEqual(["down"]));
  health["shop.v1.Orders"] = Serving.SERVING;
  await eventually(() => expect(states(orders)).toEqual(["up"]));
  // It has no path that answers with 200, and accepts connections.
  const accepting = await start([grpc.port], { type: "tcp" });
  await eventually(() => expect(states(accepting)).toEqual(["up"]));
  const answering = await start([grpc.port], { type: "http" });
  await eventually(() => expect(states(answering)).toEqual(["down"]));
});

test("what listens on a port of its own is asked in HTTP/1.1", async () => {
  const { port } = await http2Server();
  const beside = await new Backend().start();
  cleanups.push(() => beside.stop());
  const fleet = await start([port], { port: beside.port });
  await eventually(() => expect(beside.paths.length).toBeGreaterThan(1));
  expect(states(fleet)).toEqual(["up"]);
});
