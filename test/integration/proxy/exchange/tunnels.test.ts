/** WebSocket and other upgrades: tunnels with early bytes, half-close, slow receivers, and honest ends. */
import { afterEach, describe, expect, test } from "bun:test";
import type { AddressInfo } from "node:net";
import { WebSocket, WebSocketServer } from "ws";
import { Backend, cleanUp, eventually, get, ok, TestProxy } from "../../../support/proxy-harness.ts";
import { DEADLINE_MS } from "../../../support/until.ts";
import { singleValue, valuesOf, type Wire } from "../../../support/wire.ts";

afterEach(cleanUp);

const UPGRADE = get("/", "Connection: keep-alive, Upgrade\r\nUpgrade: chat/2\r\n");
const SWITCH = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat/2\r\nX-Kept: 1\r\n\r\n";

/** A tunnel through a proxy, both ends in hand. */
async function tunnel(settings = {}): Promise<{ client: Wire; server: Wire; proxy: TestProxy }> {
  const backend = await Backend.start(async (server) => {
    await server.message();
    await server.send(SWITCH);
  });
  const proxy = new TestProxy([backend], { settings });
  const client = await proxy.connect();
  await client.send(UPGRADE);
  expect((await client.message()).status).toBe(101);
  return { client, server: backend.connections[0], proxy };
}

test.each(["server", "client"] as const)("an open tunnel is in transfer, until the %s ends it", async (who) => {
  const { client, server, proxy } = await tunnel();
  expect(proxy.memory.servers.transferring[0]).toBe(1);
  (who === "server" ? server : client).reset();
  await eventually(() => proxy.inFlight === 0);
  expect(proxy.memory.servers.transferring[0]).toBe(0);
});

test("so is a response that comes in pieces, and one that comes at once is not", async () => {
  const backend = await Backend.start(async (server) => {
    await server.message();
    await server.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na");
    await server.message();
    await server.send("b");
  });
  const proxy = new TestProxy([backend]);
  const client = await proxy.connect();
  await client.send(get());
  await client.take(1);
  expect(proxy.memory.servers.transferring[0]).toBe(1);
  client.reset();
  await eventually(() => proxy.inFlight === 0);
  expect(proxy.memory.servers.transferring[0]).toBe(0);

  const quick = new TestProxy([await Backend.answering(() => ok("all"))]);
  await quick.ask(get());
  expect([quick.memory.servers.transferring[0], quick.inFlight]).toEqual([0, 0]);
});

describe("upgrades", () => {
  test("the request keeps its Upgrade and nothing else of Connection; the answer too", async () => {
    let upgrade: (string | undefined)[] = [];
    const backend = await Backend.start(async (server) => {
      const request = await server.message();
      upgrade = [singleValue(request, "upgrade"), singleValue(request, "connection")];
      await server.send(SWITCH);
    });
    const proxy = new TestProxy([backend]);
    const client = await proxy.connect();
    await client.send(UPGRADE);
    const answer = await client.message();
    expect(upgrade).toEqual(["chat/2", "Upgrade"]);
    expect(answer.fields.map(([name]) => name)).toEqual(["Upgrade", "X-Kept", "Connection"]);
    expect(proxy.counter("TUNNELS_OPEN")).toBe(1);
  });

  test("early bytes pass both ways", async () => {
    const backend = await Backend.start(async (server) => {
      await server.message();
      await server.send(`${SWITCH}early from server`);
      await server.send((await server.take(17)).toString().toUpperCase());
    });
    const client = await new TestProxy([backend]).connect();
    await client.send(`${UPGRADE}early from client`);
    await client.message();
    expect((await client.take(17)).toString()).toBe("early from server");
    expect((await client.take(17)).toString()).toBe("EARLY FROM CLIENT");
  });

  test("a refused upgrade is an answer like any other", async () => {
    const backend = await Backend.answering(() => ok("no"));
    const client = await new TestProxy([backend]).connect();
    for (let i = 0; i < 2; i++) {
      await client.send(UPGRADE);
      expect((await client.message()).body.toString()).toBe("no");
    }
    expect(backend.connections.length).toBe(1);
  });

  test("HTTP/1.0 cannot upgrade", async () => {
    let head = "";
    const backend = await Backend.answering((request) => {
      ({ head } = request);
      return ok();
    });
    const proxy = new TestProxy([backend]);
    await proxy.ask("GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
    expect(head.toLowerCase()).not.toContain("upgrade");
  });

  test("a tunnelled connection never returns to the pool, and its place in flight is held to its end", async () => {
    const { client, server, proxy } = await tunnel();
    expect(proxy.inFlight).toBe(1);
    client.finish();
    await server.end();
    server.finish();
    await eventually(() => proxy.inFlight === 0 && proxy.counter("CONNECTIONS_OPEN") === 0);
    expect(proxy.counter("UPSTREAM_IDLE")).toBe(0);
    expect(proxy.counter("TUNNELS_OPEN")).toBe(0);
    expect(proxy.counter("CLIENT_ABORTS")).toBe(0);
  });
});

describe("bytes", () => {
  test("megabytes both ways at once", async () => {
    const { client, server } = await tunnel();
    const [up, down] = [Buffer.alloc(5_000_000, "up"), Buffer.alloc(7_000_000, "down")];
    const pumps = [client.pump(up), server.pump(down)];
    expect(Bun.hash(await server.take(up.length))).toBe(Bun.hash(up));
    expect(Bun.hash(await client.take(down.length))).toBe(Bun.hash(down));
    await Promise.all(pumps);
  });

  test("a slow receiver slows the sender, and loses nothing", async () => {
    const { client, server } = await tunnel();
    const bytes = 20_000_000;
    client.socket.pause();
    const pump = server.pump(Buffer.alloc(bytes));
    let written = -1;
    for (let still = 0; still < 10; ) {
      await Bun.sleep(20);
      still = server.socket.bytesWritten === written ? still + 1 : 0;
      written = server.socket.bytesWritten;
    }
    expect(written).toBeLessThan(bytes); // it could not get rid of all of it
    client.socket.resume();
    await pump;
    await eventually(() => client.received > bytes);
  });

  test("each direction ends on its own: the client first", async () => {
    const { client, server } = await tunnel();
    await client.send("last words");
    client.finish();
    expect((await server.take(10)).toString()).toBe("last words");
    expect(await server.end()).toBe("end");
    await server.send("still ", "here");
    expect((await client.take(10)).toString()).toBe("still here");
    server.finish();
    expect(await client.end()).toBe("end");
  });

  test("each direction ends on its own: the server first", async () => {
    const { client, server } = await tunnel();
    await server.send("last words");
    server.finish();
    expect((await client.take(10)).toString()).toBe("last words");
    expect(await client.end()).toBe("end");
    await client.send("still ", "here");
    expect((await server.take(10)).toString()).toBe("still here");
    client.finish();
    expect(await server.end()).toBe("end");
  });

  test("a FIN behind much data comes after all of it", async () => {
    const { client, server } = await tunnel();
    const bytes = 8_000_000;
    client.socket.pause();
    void server.pump(Buffer.alloc(bytes)).then(() => server.finish());
    await Bun.sleep(100);
    client.socket.resume();
    expect(await client.end()).toBe("end");
    expect(client.unread).toBe(bytes);
  });

  test("a client's reset reaches the server as one", async () => {
    const { client, server, proxy } = await tunnel();
    client.reset();
    expect(await server.end()).toBe("reset");
    await eventually(() => proxy.inFlight === 0);
  });

  test("what was said before a reset arrives, either way", async () => {
    for (const slow of ["client", "server"] as const) {
      const { [slow]: receiver, proxy, ...rest } = await tunnel();
      const sender = slow === "client" ? (rest as { server: Wire }).server : (rest as { client: Wire }).client;
      const bytes = 1_000_000;
      receiver.socket.pause();
      await sender.pump(Buffer.alloc(bytes));
      await sender.until(() => sender.unacknowledged === 0, DEADLINE_MS, true);
      sender.reset();
      await Bun.sleep(100);
      receiver.socket.resume();
      expect(await receiver.end()).toBe("reset");
      expect(receiver.unread).toBe(bytes);
      await eventually(() => proxy.inFlight === 0 && proxy.counter("TUNNELS_OPEN") === 0);
    }
  });

  describe("has a deadline", () => {
    const settings = { tunnelTimeoutMs: 300 };
    const gone = (proxy: TestProxy) =>
      eventually(
        () => proxy.inFlight === 0 && proxy.counter("TUNNELS_OPEN") === 0 && proxy.counter("CONNECTIONS_OPEN") === 0,
      );

    test.each(["client", "server"] as const)("when both have ended and the %s does not take the rest", async (slow) => {
      const { proxy, ...ends } = await tunnel(settings);
      const receiver = ends[slow];
      const sender = ends[slow === "client" ? "server" : "client"];
      receiver.finish();
      await sender.end();
      receiver.socket.pause();
      void sender.pump(Buffer.alloc(20_000_000)).then(() => sender.finish());
      await gone(proxy);
    });

    test.each(["client", "server"] as const)(
      "when the other one was reset and the %s does not take the rest",
      async (slow) => {
        const { proxy, ...ends } = await tunnel(settings);
        const sender = ends[slow === "client" ? "server" : "client"];
        ends[slow].socket.pause();
        void sender.pump(Buffer.alloc(20_000_000));
        await Bun.sleep(100);
        sender.reset();
        await gone(proxy);
      },
    );

    test.each(["client", "server"] as const)("when the %s alone has ended", async (first) => {
      const { proxy, ...ends } = await tunnel(settings);
      ends[first].finish();
      await gone(proxy);
    });

    test("when the client was reset and the server goes on sending", async () => {
      const { proxy, client, server } = await tunnel({ tunnelTimeoutMs: 600_000, responseBodyTimeoutMs: 600_000 });
      const sending = setInterval(() => server.socket.write("more"), 5);
      try {
        client.reset();
        await gone(proxy);
      } finally {
        clearInterval(sending);
      }
    });

    test("when the worker stops and one does not take the rest", async () => {
      const { proxy, client, server } = await tunnel({ tunnelTimeoutMs: 60_000, responseBodyTimeoutMs: 300 });
      client.socket.pause();
      void server.pump(Buffer.alloc(20_000_000));
      await Bun.sleep(100);
      proxy.server.drain(() => {});
      await gone(proxy);
    });
  });

  test("draining ends tunnels", async () => {
    const { client, proxy } = await tunnel();
    let drained = false;
    proxy.server.drain(() => {
      drained = true;
    });
    await client.end();
    await eventually(() => drained);
  });
});

describe("WebSocket", () => {
  test("text and binary messages, ping, and the closing handshake", async () => {
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1", handleProtocols: () => "chat" });
    await new Promise((resolve) => server.once("listening", resolve));
    server.on("connection", (socket, request) => {
      expect(valuesOf({ fields: Object.entries(request.headers) } as never, "x-forwarded-for")).toEqual(["127.0.0.1"]);
      socket.on("message", (data, binary) => socket.send(data, { binary }));
    });
    const proxy = new TestProxy([{ port: (server.address() as AddressInfo).port }]);
    const client = new WebSocket(`ws://127.0.0.1:${proxy.port}/chat`, ["chat"]);
    const messages: Buffer[] = [];
    client.on("message", (data: Buffer) => messages.push(data));
    await new Promise((resolve, reject) => client.once("open", resolve).once("error", reject));
    expect(client.protocol).toBe("chat");
    const big = Buffer.alloc(300_000, "big");
    client.send("hello");
    client.send(big);
    await eventually(() => messages.length === 2);
    expect(messages[0].toString()).toBe("hello");
    expect(messages[1].equals(big)).toBe(true);
    const pong = new Promise((resolve) => client.once("pong", resolve));
    client.ping();
    await pong;
    const closed = new Promise<number>((resolve) => client.once("close", resolve));
    client.close(4001, "bye");
    expect(await closed).toBe(4001);
    server.close();
    await eventually(() => proxy.counter("TUNNELS_OPEN") === 0 && proxy.inFlight === 0);
  });
});
