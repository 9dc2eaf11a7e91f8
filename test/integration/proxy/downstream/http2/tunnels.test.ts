/** Tunnels of extended CONNECT to servers of HTTP/1.1. */
import { afterEach, expect, test } from "bun:test";
import { FrameFlag } from "../../../../../src/proxy/http2/frames/layout.ts";
import { cleanUp, type Script } from "../../../../support/proxy-harness.ts";
import { until } from "../../../../support/until.ts";
import { quiet, scripted } from "./support.ts";

afterEach(cleanUp);

const SWITCH = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
const TUNNEL = {
  method: "",
  fields: [
    [":method", "CONNECT"],
    [":protocol", "websocket"],
    ["sec-websocket-version", "13"],
  ] as const,
  open: true,
};

test("a client that ends with its last word hears the server's, also of one that takes an end for both", async () => {
  const side = await scripted(async (wire) => {
    const { head } = await wire.message();
    const lines = head.toString().split("\r\n");
    expect(lines.slice(0, 3)).toEqual(["GET / HTTP/1.1", "host: a.example", "upgrade: websocket"]);
    expect(lines).toContain("Connection: Upgrade");
    expect(lines).toContainEqual(expect.stringMatching(/^sec-websocket-key: [A-Za-z0-9+/]{22}==$/));
    await wire.send(SWITCH);
    await until(() => wire.text.endsWith("closing"));
    // Time for an end to come behind it.
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    if (wire.ended !== null) {
      wire.destroy();
      return;
    }
    await wire.send("closing, too");
    wire.socket.end();
    expect(await wire.end()).toBe("end");
  });
  const client = await side.connect();
  const stream = client.request(TUNNEL);
  await until(() => client.stream(stream).status === 200);
  client.data(stream, "closing", FrameFlag.END_STREAM);
  const { body, ended, reset } = await client.response(stream);
  expect({ body, ended, reset }).toEqual({ body: "closing, too", ended: true, reset: -1 });
  await until(() => side.proxy.inFlight === 0);
  client.close();
  await quiet(side);
});

test("a server that has nothing more to say hears of the client's end after a while", async () => {
  const ends: string[] = [];
  const side = await scripted(async (wire) => {
    await wire.message();
    await wire.send(SWITCH);
    ends.push(await wire.end());
  });
  const client = await side.connect();
  const stream = client.request(TUNNEL);
  await until(() => client.stream(stream).status === 200);
  client.data(stream, "", FrameFlag.END_STREAM);
  await until(() => ends.length > 0);
  expect(ends).toEqual(["end"]);
  client.close();
  await quiet(side);
});

test("one that outlasts its connection's greatest age and the time to finish ends on both sides", async () => {
  const ends: string[] = [];
  const script: Script = async (wire) => {
    await wire.message();
    await wire.send(SWITCH);
    await wire.send("hello");
    ends.push(await wire.end());
  };
  const side = await scripted(script);
  const client = await side.connect();
  const stream = client.request(TUNNEL);
  await until(() => client.stream(stream).body === "hello");
  side.proxy.change({ maxConnectionAgeMs: 200, maxConnectionAgeGraceMs: 200 });
  await client.ping(); // what is new is looked at with what comes
  await until(() => client.stream(stream).ended || client.stream(stream).reset >= 0);
  expect(await client.end()).toBe(0);
  await until(() => ends.length > 0);
  client.close();
  await quiet(side);
});
