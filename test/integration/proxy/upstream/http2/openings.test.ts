/** The beginning of connections to servers of HTTP/2, where it is not what it should be: nothing of a request was sent then. */
import { afterEach, describe, expect, test } from "bun:test";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { Frame, frame, integer, settingsPayload } from "../../../../support/http2/server.ts";
import { get, type ProxyOptions, TestProxy } from "../../../../support/proxy-harness.ts";
import { until } from "../../../../support/until.ts";
import { singleValue } from "../../../../support/wire.ts";
import { bodyOf, closeAll, closing, echo, serve } from "./support.ts";

afterEach(closeAll);

const GOAWAY = frame(Frame.GOAWAY, 0, 0, Buffer.concat([integer(0), integer(0)]));
const SETTINGS = frame(Frame.SETTINGS, 0, 0, settingsPayload({}));
const POST = "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi";

/** A server that says this to whoever connects, and takes down what it hears. */
async function saying(...packets: readonly Uint8Array[]) {
  const heard: Buffer[] = [];
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    socket.on("data", (data: Buffer) => heard.push(data));
    for (const packet of packets) socket.write(packet);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, heard, sockets };
}

const proxyFor = (ports: readonly number[], settings: ProxyOptions["settings"]) =>
  new TestProxy(
    ports.map((port) => ({ port, http2: true })),
    { settings },
  );

describe("a server that goes away before it has said what it allows", () => {
  test("is no server for any request, and it is said at once", async () => {
    const leaving = await saying(GOAWAY);
    const proxy = proxyFor([leaving.port], { retryAttempts: 0, connectTimeoutMs: 60_000 });
    const answer = await proxy.ask(POST);
    expect(answer.status).toBe(502);
    expect(singleValue(answer, "proxy-status")).toContain('details="stream_refused"');
    await until(() => leaving.sockets[0].destroyed || leaving.sockets[0].readableEnded);
    expect(Buffer.concat(leaving.heard).includes("/p")).toBe(false);
  });

  test("and its requests are another's, whatever their method", async () => {
    const leaving = await saying(GOAWAY, SETTINGS);
    const other = await serve();
    other.onStream = echo;
    const proxy = proxyFor([leaving.port, other.port], { connectTimeoutMs: 60_000 });
    for (let i = 0; i < 6; i++) expect(bodyOf(await proxy.ask(POST))).toBe("/p");
    expect(Buffer.concat(leaving.heard).includes("/p")).toBe(false);
    expect(proxy.inFlight).toBe(0);
  });

  test("those that wait for one connection together hear of it together", async () => {
    const leaving = await saying();
    const proxy = proxyFor([leaving.port], { retryAttempts: 0, connectTimeoutMs: 60_000 });
    const answers = Array.from({ length: 5 }, () => proxy.ask(get()));
    await until(() => leaving.heard.length > 0 && proxy.inFlight === 5);
    leaving.sockets[0].write(GOAWAY);
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(new Array(5).fill(502));
    expect(leaving.sockets).toHaveLength(1);
    expect(proxy.inFlight).toBe(0);
  });
});

test("a server that goes away with the packet in which it says what it allows has looked at nothing", async () => {
  const leaving = await saying(Buffer.concat([SETTINGS, GOAWAY]));
  const other = await serve();
  other.onStream = echo;
  const proxy = proxyFor([leaving.port, other.port], { retryAttempts: 2 });
  for (let i = 0; i < 6; i++) expect(bodyOf(await proxy.ask(POST))).toBe("/p");
  expect(proxy.inFlight).toBe(0);
});

test.each([
  ["text", Buffer.from("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")],
  ["a frame for a stream", frame(Frame.HEADERS, 4, 1, Buffer.from([0x88]))],
  ["SETTINGS that can't be", frame(Frame.SETTINGS, 0, 0, settingsPayload({ 2: 7 }))],
])("a server that begins with %s does not speak HTTP/2", async (_, bytes) => {
  const { port } = await saying(bytes);
  const proxy = proxyFor([port], { retryAttempts: 0, connectTimeoutMs: 60_000 });
  const answer = await proxy.ask(get());
  expect(answer.status).toBe(502);
  expect(singleValue(answer, "proxy-status")).toContain('details="upstream_not_http2"');
});
