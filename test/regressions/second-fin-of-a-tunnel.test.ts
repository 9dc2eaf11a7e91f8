/** After our own FIN, the peer's FIN is reported as a closed socket only: it was taken for a broken one. */
import { afterEach, expect, test } from "bun:test";
import { Backend, cleanUp, eventually, get, TestProxy } from "../support/proxy-harness.ts";

afterEach(cleanUp);

const UPGRADE = get("/", "Connection: upgrade\r\nUpgrade: x\r\n");
const SWITCH = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n";

async function tunnel() {
  const backend = await Backend.start(async (server) => {
    await server.message();
    await server.send(SWITCH);
  });
  const proxy = new TestProxy([backend]);
  const client = await proxy.connect();
  await client.send(UPGRADE);
  await client.message();
  return { client, server: backend.connections[0], proxy };
}

test("the client ended first: the server's end is clean", async () => {
  const { client, server, proxy } = await tunnel();
  client.finish();
  await server.end();
  await server.send("bye");
  server.finish();
  expect(await client.end()).toBe("end");
  expect(client.text).toBe("bye");
  await eventually(() => proxy.inFlight === 0);
});

test("the server ended first: all that the client said before its end arrives, and it did not abort", async () => {
  const { client, server, proxy } = await tunnel();
  server.finish();
  await client.end();
  server.socket.pause();
  void client.pump(Buffer.alloc(12_000_000)).then(() => client.finish());
  await Bun.sleep(150);
  server.socket.resume();
  expect(await server.end()).toBe("end");
  expect(server.unread).toBe(12_000_000);
  await eventually(() => proxy.inFlight === 0);
  expect(proxy.counter("CLIENT_ABORTS")).toBe(0);
});

test("a reset is still one", async () => {
  const { client, server } = await tunnel();
  client.finish();
  await server.end();
  server.reset();
  expect(await client.end()).toBe("reset");
});
