/** Who may come in: lists of the instance, of listeners and of routes, by the address that counts. */
import { afterEach, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import type { ListenerSpec } from "../../../../src/protocol/worker.ts";
import type { AccessLists } from "../../../../src/shared/addresses/client-access.ts";
import { Backend, cleanUp, get, ok, TestProxy } from "../../../support/proxy-harness.ts";
import { singleValue, Wire } from "../../../support/wire.ts";

afterEach(cleanUp);

const lists = (allow: readonly string[] | null, ...deny: string[]): AccessLists => ({ allow, deny });

/** From another address of this machine. */
async function from(localAddress: string, port: number): Promise<Wire> {
  const socket = connect({ port, host: "127.0.0.1", localAddress, allowHalfOpen: true });
  await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  return new Wire(socket);
}

async function statusFrom(address: string, port: number, request = get()): Promise<number> {
  const client = await from(address, port);
  await client.send(request);
  const { status } = await client.message();
  client.destroy();
  return status;
}

const serving = () => Backend.answering((request) => ok(request.head));

describe("CLIENTS_ALLOW and CLIENTS_DENY", () => {
  test("decide by the client's address; whoever is refused hears why, and his connection ends", async () => {
    const backend = await serving();
    const proxy = new TestProxy([backend], {
      settings: { clientAccess: lists(["127.0.0.0/29"], "127.0.0.3"), accessLog: true, logFormat: "json" },
    });
    expect(await statusFrom("127.0.0.1", proxy.port)).toBe(200);
    const client = await from("127.0.0.3", proxy.port);
    await client.send(get("/secret"), get("/more"));
    const refused = await client.message();
    expect(refused.status).toBe(403);
    expect(singleValue(refused, "Proxy-Status")).toBe(
      'neurabalancer; error=http_request_denied; details="client_denied"',
    );
    expect(JSON.parse(refused.body.toString())).toMatchObject({ error: expect.anything() });
    await client.end();
    expect(client.text).toBe("");
    expect(await statusFrom("127.0.0.9", proxy.port)).toBe(403);
    const lines = (await proxy.logLines(3)).map((line) => JSON.parse(line));
    expect(lines.map(({ status, error, remote_ip }) => [status, error, remote_ip])).toEqual([
      [200, undefined, "127.0.0.1"],
      [403, "client_denied", "127.0.0.3"],
      [403, "client_denied", "127.0.0.9"],
    ]);
    expect(backend.connections).toHaveLength(1);
  });

  test("hold for paths that the balancer answers itself", async () => {
    const proxy = new TestProxy([await serving()], { settings: { clientAccess: lists(null, "127.0.0.2") } });
    for (const path of ["/health/live", "/metrics", "/api/v1/servers"]) {
      expect(await statusFrom("127.0.0.2", proxy.port, get(path))).toBe(403);
      expect(await statusFrom("127.0.0.1", proxy.port, get(path))).toBe(200);
    }
  });

  test("look at whom a trusted proxy speaks for, with each request", async () => {
    const proxy = new TestProxy([await serving()], {
      settings: {
        trustedProxies: ["127.0.0.2"],
        clientAccess: lists(["203.0.113.0/24", "2001:db8::/32"]),
        accessLog: true,
        logFormat: "json",
      },
    });
    const ask = (field: string) => statusFrom("127.0.0.2", proxy.port, get("/", field));
    expect(await ask("X-Forwarded-For: 203.0.113.9\r\n")).toBe(200);
    expect(await ask('Forwarded: for="[2001:db8::9]"\r\n')).toBe(200);
    expect(await ask("X-Forwarded-For: 203.0.113.9, 198.51.100.1\r\n")).toBe(403);
    expect(await ask("")).toBe(403); // it speaks for itself
    // Nobody else is believed.
    expect(await statusFrom("127.0.0.1", proxy.port, get("/", "X-Forwarded-For: 203.0.113.9\r\n"))).toBe(403);
    const lines = (await proxy.logLines(5)).map((line) => JSON.parse(line).remote_ip);
    expect(lines).toEqual(["203.0.113.9", "2001:db8::9", "198.51.100.1", "127.0.0.2", "127.0.0.1"]);
    // On one connection, one after the other.
    const client = await from("127.0.0.2", proxy.port);
    await client.send(get("/", "X-Forwarded-For: 203.0.113.9\r\n"));
    expect((await client.message()).status).toBe(200);
    await client.send(get("/", "X-Forwarded-For: 203.0.114.9\r\n"));
    expect((await client.message()).status).toBe(403);
    client.destroy();
    await proxy.logLines(7);
  });

  test("that change in a reload hold for connections that are there", async () => {
    const proxy = new TestProxy([await serving()]);
    const client = await from("127.0.0.4", proxy.port);
    const ask = async (): Promise<number> => {
      await client.send(get());
      return (await client.message()).status;
    };
    expect(await ask()).toBe(200);
    proxy.change({ clientAccess: lists(null, "127.0.0.5") });
    expect(await ask()).toBe(200);
    proxy.change({ clientAccess: lists(null, "127.0.0.4") });
    expect(await ask()).toBe(403);
    await client.end();
    proxy.change({ clientAccess: lists(null) });
    expect(await statusFrom("127.0.0.4", proxy.port)).toBe(200);
  });
});

test("a listener's own lists hold there beside the instance's", async () => {
  const at = (clients?: AccessLists): ListenerSpec => ({
    host: "127.0.0.1",
    port: 0,
    tls: false,
    ...(clients && { clients }),
  });
  const proxy = new TestProxy([await serving()], {
    settings: {
      clientAccess: lists(null, "127.0.0.2"),
      listeners: [at(), at(lists(["127.0.0.2/31"])), at(lists(null, "127.0.0.1"))],
    },
  });
  const ports = proxy.server.listeners.map(({ port }) => port);
  const statuses = async (address: string) => {
    const all: number[] = [];
    for (const port of ports) all.push(await statusFrom(address, port));
    return all;
  };
  expect(await statuses("127.0.0.1")).toEqual([200, 403, 403]);
  expect(await statuses("127.0.0.2")).toEqual([403, 403, 403]);
  expect(await statuses("127.0.0.3")).toEqual([200, 200, 200]);
  // A listener that stays is not opened anew for them.
  const kept = await from("127.0.0.3", ports[1]);
  proxy.change({ listeners: proxy.server.listeners.map(({ clients: _, ...spec }) => spec) });
  expect(proxy.server.listeners.map(({ port }) => port)).toEqual(ports);
  await kept.send(get());
  expect((await kept.message()).status).toBe(200);
  kept.destroy();
  expect(await statuses("127.0.0.1")).toEqual([200, 200, 200]);
});

test("a route's own lists hold for its requests, and the connection lives on", async () => {
  const backend = await serving();
  const match = (path: string) => ({
    hosts: [],
    paths: [{ kind: "prefix" as const, value: path }],
    methods: [],
    headers: [],
  });
  const proxy = new TestProxy([backend], {
    settings: { trustedProxies: ["127.0.0.2"], accessLog: true, logFormat: "json" },
    routes: [
      { number: 20, name: "admin", match: match("/admin"), clients: lists(["10.0.0.0/8"]) },
      { number: 21, name: "rest", match: match("/") },
    ],
  });
  const client = await from("127.0.0.2", proxy.port);
  const ask = async (path: string, address: string): Promise<number> => {
    await client.send(get(path, `X-Forwarded-For: ${address}\r\n`));
    return (await client.message()).status;
  };
  expect(await ask("/admin/x", "10.1.2.3")).toBe(200);
  expect(await ask("/admin/x", "192.0.2.1")).toBe(403);
  expect(await ask("/x", "192.0.2.1")).toBe(200);
  expect(await ask("/admin", "10.1.2.3")).toBe(200);
  client.destroy();
  const lines = (await proxy.logLines(4)).map((line) => JSON.parse(line));
  expect(lines.map(({ route, error = "" }) => `${route} ${error}`)).toEqual([
    "admin ",
    "admin client_denied",
    "rest ",
    "admin ",
  ]);
});
