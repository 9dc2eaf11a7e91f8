/** What becomes of requests over HTTP/2 on their way, and of their responses, beyond what the contract of downstreams says. */
import { afterEach, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { FrameFlag, FrameType as Type } from "../../../../../src/proxy/http2/frames/layout.ts";
import { block, frame, Http2Wire, settings } from "../../../../support/http2/wire.ts";
import { Backend, cleanUp, eventually, ok, TestProxy } from "../../../../support/proxy-harness.ts";
import { drained, echoing, quiet, SILENT, scripted } from "./support.ts";

const { END_HEADERS, END_STREAM, PADDED } = FrameFlag;
const MAX_FRAME = 16_384;

afterEach(cleanUp);

/** DATA frames of `body`, the last of which ends the stream. */
function dataFrames(streamId: number, body: Uint8Array, size = MAX_FRAME): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 0; at < body.length; at += size) {
    const ends = at + size >= body.length ? END_STREAM : 0;
    frames.push(frame(Type.DATA, ends, streamId, body.subarray(at, at + size)));
  }
  return frames;
}

describe("bodies", () => {
  test.each([
    ["of known length", (length: number) => [["content-length", `${length}`]] as const],
    ["of unknown length", () => []],
  ])(
    "%s arrive as they were sent, however many come at once, on new connections to servers and on kept ones",
    async (_, fields) => {
      const side = await echoing();
      const client = await side.connect(settings([4, 0x7fff_ffff]));
      for (let round = 0; round < 4; round++) {
        const sent = Array.from({ length: 8 }, (_x, i) => randomBytes(20_000 + 1000 * i));
        const bytes = sent.map((body) => {
          const { id, bytes: head } = client.framesOf({ method: "POST", fields: fields(body.length), open: true });
          return { id, body, bytes: Buffer.concat([head, ...dataFrames(id, body)]) };
        });
        client.send(...bytes.map((each) => each.bytes));
        for (const { id, body } of bytes) {
          const response = await client.response(id);
          expect([response.status, response.body === body.toString("latin1")]).toEqual([200, true]);
        }
      }
      client.close();
      await quiet(side);
    },
  );

  test("in small and padded frames, and in packets of any size", async () => {
    const side = await echoing();
    const client = await side.connect();
    const body = randomBytes(5000);
    for (const size of [1, 7, 100, 1000]) {
      const { id, bytes } = client.framesOf({ method: "POST", open: true });
      const padded = frame(Type.DATA, PADDED, id, Buffer.concat([Buffer.of(3), Buffer.from("first"), Buffer.alloc(3)]));
      const all = Buffer.concat([bytes, padded, ...dataFrames(id, body, size)]);
      for (let at = 0; at < all.length; at += 1500) client.send(all.subarray(at, at + 1500));
      const response = await client.response(id);
      expect([response.status, response.body === `first${body.toString("latin1")}`]).toEqual([200, true]);
    }
    client.close();
  });

  test("head and body that came together leave for the server in one write", async () => {
    const packets: number[] = [];
    const side = await scripted(async (wire) => {
      wire.socket.on("data", (data: Buffer) => packets.push(data.length));
      for (;;) {
        await wire.message();
        await wire.send(ok("x"));
      }
    });
    const client = await side.connect();
    await client.ask(); // so that there is a connection
    packets.length = 0;
    expect((await client.ask({ method: "POST", body: "y".repeat(1000) })).status).toBe(200);
    expect(packets).toHaveLength(1);
    client.close();
  });

  test.each([
    ["less", "abc"],
    ["more", "abcdefg"],
  ])("%s than Content-Length says resets the stream, and no server takes it for a whole request", async (_, body) => {
    const side = await echoing();
    const client = await side.connect();
    const id = client.request({ method: "POST", fields: [["content-length", "5"]], body });
    expect(await client.response(id)).toMatchObject({ status: 0, reset: 1 });
    expect((await client.ask()).status).toBe(200);
    client.close();
    await quiet(side);
  });

  test("trailers reach the server behind chunks; those that must not be are refused", async () => {
    const side = await scripted(async (wire) => {
      for (;;) {
        const { trailers, body } = await wire.message();
        await wire.send(ok(`${body.toString("latin1")}|${trailers}`));
      }
    });
    const client = await side.connect();
    const send = (
      trailer: readonly (readonly [string, string])[],
      flags: number = END_HEADERS | END_STREAM,
    ): number => {
      const { id, bytes } = client.framesOf({ method: "POST", open: true, body: "body" });
      client.send(bytes, frame(Type.HEADERS, flags, id, block(trailer)));
      return id;
    };
    expect((await client.response(send([["x-sum", "4"]]))).body).toBe("body|x-sum: 4\r\n");
    expect((await client.response(send([["content-length", "4"]]))).status).toBe(400);
    expect((await client.response(send([[":path", "/"]]))).reset).toBe(1);
    expect((await client.response(send([["x-sum", "4"]], END_HEADERS))).reset).toBe(1);
    client.close();
    await quiet(side);
  });

  test("MAX_BODY_BYTES is told of on the stream, and what still comes is thrown away", async () => {
    const side = await echoing({ maxBodyBytes: 1000 });
    const client = await side.connect();
    const id = client.request({ method: "POST", open: true, body: "x".repeat(2000) });
    expect(await client.response(id)).toMatchObject({ status: 413, ended: true });
    for (let i = 0; i < 10; i++) client.data(id, Buffer.alloc(MAX_FRAME));
    await client.ping();
    expect((await client.ask()).status).toBe(200);
    // What was on its way when the reset came is thrown away, too.
    await eventually(() => client.stream(id).reset >= 0);
    for (let i = 0; i < 200; i++) client.data(id, Buffer.alloc(MAX_FRAME));
    expect((await client.ask()).status).toBe(200);
    expect(client.stream(id).reset).toBe(0);
    client.close();
    await quiet(side);
  });

  test("a client that stops when it sees an early answer is not reset", async () => {
    const side = await echoing({ maxBodyBytes: 1000 });
    const client = await side.connect();
    const id = client.request({ method: "POST", open: true, body: "x".repeat(2000) });
    expect(await client.response(id)).toMatchObject({ status: 413, ended: true });
    client.data(id, "", END_STREAM);
    // The connection ends when no stream is left.
    const end = drained(side);
    expect(await client.end()).toBe(0);
    expect(client.stream(id).reset).toBe(-1);
    client.close();
    await end;
  });

  test("trailers of a request that was refused meanwhile are read over: the connection lives on", async () => {
    const side = await echoing({ maxBodyBytes: 10 });
    const client = await side.connect();
    const id = client.request({ method: "POST", open: true, body: "x".repeat(100) });
    await eventually(() => client.stream(id).reset >= 0);
    client.data(id, "more");
    client.send(frame(Type.HEADERS, END_HEADERS | END_STREAM, id, block([["x-checksum", "1"]])));
    expect((await client.ask()).status).toBe(200);
    client.close();
    await quiet(side);
  });

  test("100 (Continue) comes before the body is sent", async () => {
    const side = await scripted(async (wire) => {
      await wire.head();
      await wire.send("HTTP/1.1 100 Continue\r\n\r\n");
      await wire.until(() => wire.unread >= 4);
      await wire.send(ok("thanks"));
    });
    const client = await side.connect();
    const fields = [
      ["expect", "100-continue"],
      ["content-length", "4"],
    ] as const;
    const id = client.request({ method: "POST", fields, open: true });
    await eventually(() => client.stream(id).interim.length === 1);
    client.data(id, "body", END_STREAM);
    expect(await client.response(id)).toMatchObject({ interim: [100], status: 200, body: "thanks" });
    client.close();
  });
});

describe("heads", () => {
  test.each([
    ["an upper-case name", [["X-Upper", "1"]]],
    ["Connection", [["connection", "close"]]],
    ["Transfer-Encoding", [["transfer-encoding", "chunked"]]],
    ["a line end in a value", [["x", "a\r\nb: c"]]],
    ["Host unlike :authority", [["host", "b.example"]]],
    ["no path", [[":path", ""]]],
    ["a pseudo-field that nobody knows", [[":x", "1"]]],
  ] as const)("%s is refused on its stream alone", async (_, fields) => {
    const side = await echoing();
    const client = await side.connect();
    const id = client.request({ fields });
    await eventually(() => client.stream(id).reset >= 0);
    expect(client.stream(id)).toMatchObject({ status: 400, ended: true, reset: 1 });
    expect((await client.ask()).status).toBe(200);
    expect(side.proxy.counter("REQUESTS_REFUSED")).toBe(1);
    client.close();
    await quiet(side);
  });

  test("what servers get is a request of HTTP/1.1 like others", async () => {
    const side = await echoing();
    const client = await side.connect();
    const fields = [
      ["cookie", "a=b"],
      ["cookie", "c=d"],
      ["te", "trailers"],
      ["x-kept", "yes"],
    ] as const;
    const { body } = await client.ask({ path: "/p?q", fields });
    expect(body).toStartWith("GET /p?q HTTP/1.1\r\nhost: a.example\r\n");
    expect(body).toContain("\r\ncookie: a=b; c=d\r\n");
    expect(body).toContain("\r\nx-kept: yes\r\n");
    expect(body).toContain("\r\nTE: trailers\r\nConnection: TE\r\n");
    expect(body).toContain("\r\nX-Forwarded-Proto: http\r\n");
    client.close();
  });

  test("what clients get has no field of the server's connection, and names in lower case", async () => {
    const side = await scripted(async (wire) => {
      await wire.message();
      await wire.send(
        "HTTP/1.1 200 Fine\r\nConnection: X-Hop, keep-alive\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nX-Kept: Yes\r\n" +
          "Transfer-Encoding: chunked\r\nSet-Cookie: a\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 2\r\n\r\n",
      );
    });
    const client = await side.connect();
    const { fields, body, trailers } = await client.ask();
    expect([body, trailers]).toEqual(["hi", "x-sum: 2\r\n"]);
    expect([...fields.keys()].sort()).toEqual(["date", "set-cookie", "x-kept"]);
    expect(fields.get("x-kept")).toBe("Yes");
    client.close();
  });
});

describe("streams beside each other", () => {
  test("a slow response holds up no other", async () => {
    const side = await scripted(async (wire) => {
      for (;;) {
        const { head } = await wire.message();
        if (!head.includes("/slow")) await wire.send(ok("fast"));
      }
    });
    const client = await side.connect();
    const slow = client.request({ path: "/slow" });
    for (let i = 0; i < 10; i++) expect((await client.ask()).body).toBe("fast");
    expect(client.stream(slow).status).toBe(0);
    client.close();
    await quiet(side);
  });

  test("nor does a large one that its client does not take", async () => {
    const side = await scripted(async (wire) => {
      for (;;) {
        const { head } = await wire.message();
        await wire.send(ok(head.includes("/large") ? "x".repeat(3_000_000) : "small"));
      }
    });
    const client = await side.connect(settings([4, 1000]));
    client.updates = false;
    const large = client.request({ path: "/large" });
    await eventually(() => client.stream(large).body.length === 1000);
    for (let i = 0; i < 10; i++) expect((await client.ask()).body).toBe("small");
    expect(client.stream(large).body.length).toBe(1000);
    client.close();
    await quiet(side);
  });

  test("large ones share what the connection takes", async () => {
    const side = await scripted(async (wire) => {
      for (;;) {
        await wire.message();
        await wire.send(ok(Buffer.alloc(1_000_000, "x")));
      }
    });
    const client = await side.connect(settings([4, 0x7fff_ffff]));
    const first = client.request({}, {}, {}, {});
    for (const id of [0, 2, 4, 6]) expect((await client.response(first + id)).body.length).toBe(1_000_000);
    // Whoever was first was not served alone until he had all.
    const order = client.frames.filter(({ type }) => type === Type.DATA).map(({ streamId }) => streamId);
    expect(order.lastIndexOf(first)).toBeGreaterThan(order.indexOf(first + 6));
    client.close();
  });

  test("a request that its client takes back is taken back at the server", async () => {
    const side = await scripted(SILENT);
    const client = await side.connect();
    const id = client.request();
    await eventually(() => side.proxy.inFlight === 1);
    client.send(frame(Type.RST_STREAM, 0, id, Buffer.from([0, 0, 0, 8])));
    await eventually(() => side.proxy.inFlight === 0 && side.backend.connections.every(({ ended }) => ended !== null));
    expect(side.proxy.counter("CLIENT_ABORTS")).toBe(1);
    client.close();
  });
});

test("without a server the client is told on its stream", async () => {
  const proxy = new TestProxy([]);
  const client = await Http2Wire.connect(proxy.port);
  const { status, fields } = await client.ask();
  expect([status, fields.get("proxy-status")]).toEqual([503, expect.stringContaining("no_server_available")]);
  client.close();
});

test("the log says which protocol it was", async () => {
  const backend = await Backend.answering(() => ok("x"));
  const proxy = new TestProxy([backend], {
    settings: { accessLog: true, accessLogFields: ["path", "protocol", "status"] },
  });
  const client = await Http2Wire.connect(proxy.port);
  await client.ask({ path: "/logged" });
  client.close();
  const [line] = await proxy.logLines(1);
  expect(JSON.parse(line)).toMatchObject({ path: "/logged", protocol: "HTTP/2.0", status: 200 });
});
