/** Trailers of servers of HTTP/2 behind a body whose length was announced: who gets them, and what they may be. */
import { afterEach, describe, expect, test } from "bun:test";
import { FrameType } from "../../../../../src/proxy/http2/frames/layout.ts";
import type { PeerStream } from "../../../../support/http2/server.ts";
import { frame, Http2Wire, integer32 } from "../../../../support/http2/wire.ts";
import { get } from "../../../../support/proxy-harness.ts";
import { until } from "../../../../support/until.ts";
import { Wire } from "../../../../support/wire.ts";
import { closeAll, closing, proxyTo, serve } from "./support.ts";

afterEach(closeAll);

async function serving(onStream: (stream: PeerStream) => void) {
  const server = await serve();
  server.onStream = onStream;
  const proxy = proxyTo([server]);
  const client = await Http2Wire.connect(proxy.port);
  closing.push(() => client.close());
  return { server, proxy, client };
}

const head = (stream: PeerStream, length: number, fields: readonly (readonly [string, string])[] = []): void =>
  stream.headers([[":status", "200"], ["content-length", `${length}`], ...fields]);

describe("a client of HTTP/2", () => {
  test("gets them, and the length as well", async () => {
    const { client, proxy } = await serving((stream) => {
      head(stream, 4);
      stream.data("body");
      stream.finish("X-Sum: 4\r\nX-Other: yes\r\n");
    });
    for (let i = 0; i < 3; i++) {
      const { status, fields, body, trailers, ended } = await client.ask();
      expect([status, fields.get("content-length"), body, trailers, ended]).toEqual([
        200,
        "4",
        "body",
        "x-sum: 4\r\nx-other: yes\r\n",
        true,
      ]);
    }
    expect(proxy.memory.workers[0].failures[0]).toBe(0);
    await until(() => proxy.inFlight === 0);
  });

  test("however they come in pieces, and of a body that is empty", async () => {
    const { client, server } = await serving(() => {});
    for (const body of ["", "body"]) {
      const id = client.request();
      const stream = await until(() => server.streams[(id - 1) / 2]);
      head(stream, body.length);
      await until(() => client.stream(id).status === 200);
      for (const [index, letter] of [...body].entries()) {
        stream.data(letter);
        await until(() => client.stream(id).body.length === index + 1);
      }
      await client.ping();
      expect(client.stream(id).ended).toBe(false);
      stream.finish("X-Sum: 1\r\n");
      const { body: got, trailers } = await client.response(id);
      expect([got, trailers]).toEqual([body, "x-sum: 1\r\n"]);
    }
  });

  test("without those that must not be passed on", async () => {
    const { client } = await serving((stream) => {
      head(stream, 4);
      stream.data("body");
      stream.finish("Set-Cookie: a=b\r\nX-Sum: 4\r\nContent-Length: 9\r\nX-Forwarded-For: 1.2.3.4\r\n");
    });
    expect((await client.ask()).trailers).toBe("x-sum: 4\r\n");
  });

  test("also when it reads them late", async () => {
    const size = 32 * 1024 * 1024;
    const { client, server } = await serving((stream) => {
      head(stream, size);
      stream.data(Buffer.alloc(size, "x"));
      stream.finish("X-Sum: 4\r\n");
    });
    client.wire.socket.pause();
    client.updates = false;
    client.send(frame(FrameType.WINDOW_UPDATE, 0, 0, integer32(size)));
    const { id, bytes } = client.framesOf();
    client.send(bytes, frame(FrameType.WINDOW_UPDATE, 0, id, integer32(size)));
    await until(() => server.streams[0]?.window === 0);
    client.wire.socket.resume();
    const { body, trailers } = await client.response(id);
    expect([body.length, trailers]).toEqual([size, "x-sum: 4\r\n"]);
  });

  test("and one stream with a field that can't be passed on harms no other", async () => {
    const { client, proxy } = await serving((stream) => {
      head(stream, 4);
      stream.data("body");
      stream.finish(stream.field(":path") === "/bad" ? "X-Sum: 4\r\nX-Nul: a\0b\r\n" : "X-Sum: 4\r\n");
    });
    const bad = await client.ask({ path: "/bad" });
    expect([bad.ended, bad.reset]).toEqual([false, 2]);
    expect((await client.ask()).trailers).toBe("x-sum: 4\r\n");
    expect(proxy.memory.workers[0].failures[0]).toBe(1);
  });

  test("sees a body that is shorter than its length, in front of trailers, break off", async () => {
    const { client } = await serving((stream) => {
      head(stream, 5);
      stream.data("body");
      stream.finish("X-Sum: 4\r\n");
    });
    const { ended, reset, trailers } = await client.ask();
    expect([ended, reset, trailers]).toEqual([false, 2, ""]);
  });

  test("is not kept waiting by a server that has sent everything and does not say so", async () => {
    const { client, server, proxy } = await serving((stream) => {
      head(stream, 4);
      stream.data("body");
    });
    const { body, ended } = await client.ask();
    expect([body, ended]).toEqual(["body", true]);
    expect(proxy.memory.workers[0].failures[0]).toBe(0);
    await until(() => server.streams[0].ended === "reset" || server.streams[0].ended === "end");
    expect((await client.ask()).body).toBe("body");
    expect(server.connections).toHaveLength(1);
  });
});

test("a client of HTTP/1.1 has no place for them behind a length, and its response is complete without them", async () => {
  const { proxy, server } = await serving(() => {});
  const client = await Wire.connect(proxy.port);
  for (let i = 0; i < 2; i++) {
    await client.send(get());
    const stream = await until(() => server.streams[i]);
    head(stream, 4);
    stream.data("body");
    expect((await client.message()).body.toString()).toBe("body");
    stream.finish("X-Sum: 4\r\n");
  }
  client.destroy();
});

test.each([
  ["behind it", (stream: PeerStream) => stream.data("", true)],
  ["with the last of it", (stream: PeerStream) => stream.data("y", true)],
  ["by trailers", (stream: PeerStream) => stream.finish("X-Sum: 4\r\n")],
])("a client of HTTP/1.1 sees a body break off that ends before its length, %s", async (_, ends) => {
  const { proxy, server } = await serving(() => {});
  const client = await Wire.connect(proxy.port);
  await client.send(get());
  const stream = await until(() => server.streams[0]);
  head(stream, 10);
  stream.data("body");
  await until(() => client.received > 0);
  ends(stream);
  await until(() => client.ended !== null);
  expect(proxy.memory.workers[0].failures[0]).toBe(1);
});
