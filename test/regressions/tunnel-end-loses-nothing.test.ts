/** When both sides of a tunnel had ended, the server's connection was reset, and with it went what was on its way. */
import { afterEach, expect, test } from "bun:test";
import { Backend, cleanUp, eventually, get, TestProxy } from "../support/proxy-harness.ts";

afterEach(cleanUp);

const UPGRADE = get("/", "Connection: upgrade\r\nUpgrade: x\r\n");
const SWITCH = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n";

test("a server that has ended and reads late gets every byte", async () => {
  const bytes = 3_000_000;
  const backend = await Backend.start(async (server) => {
    await server.message();
    await server.send(SWITCH);
    server.finish();
    server.socket.pause();
    await Bun.sleep(150);
    server.socket.resume();
  });
  const client = await new TestProxy([backend]).connect();
  await client.send(UPGRADE);
  await client.message();
  await client.end();
  await client.pump(Buffer.alloc(bytes));
  client.finish();
  const [server] = backend.connections;
  expect(await server.end()).toBe("end");
  expect(server.unread).toBe(bytes);
});

test("a server's reset reaches the client as one", async () => {
  const backend = await Backend.start(async (server) => {
    await server.message();
    await server.send(`${SWITCH}hello`);
    await eventually(() => backend.open > 0);
    await server.take(2);
    server.reset();
  });
  const client = await new TestProxy([backend]).connect();
  await client.send(UPGRADE);
  await client.message();
  await client.send("go");
  expect(await client.end()).toBe("reset");
});
