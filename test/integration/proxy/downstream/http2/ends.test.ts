/** How connections of HTTP/2 end: in order, when their time is over, and over what clients send. */
import { afterEach, describe, expect, test } from "bun:test";
import { ErrorCode } from "../../../../../src/proxy/http2/error-codes.ts";
import { FrameFlag, PREFACE, FrameType as Type } from "../../../../../src/proxy/http2/frames/layout.ts";
import { block, frame, Http2Wire, integer32, settings } from "../../../../support/http2/wire.ts";
import { cleanUp, eventually, get, ok, type Script } from "../../../../support/proxy-harness.ts";
import type { TestSettings } from "../../../../support/proxy-settings.ts";
import { Wire } from "../../../../support/wire.ts";
import { drained, echoing, quiet, SILENT, type Side, scripted } from "./support.ts";

const { END_HEADERS, END_STREAM } = FrameFlag;
const LAST_OF_ALL = 0x7fff_ffff;

afterEach(cleanUp);

/** The last streams that GOAWAYs name, in order. */
function lastStreams({ frames }: Http2Wire): number[] {
  return frames.filter(({ type }) => type === Type.GOAWAY).map(({ payload }) => payload.readUInt32BE(0));
}

/** From here on, also for a connection that is there: its beginning takes the time that it needs. */
async function restrict({ proxy }: Side, client: Http2Wire, changes: Partial<TestSettings>): Promise<void> {
  proxy.change(changes);
  await client.ping(); // what is new is looked at with what comes
}

describe("in order", () => {
  test("a worker that finishes says so, serves what was on its way, and then which request was the last", async () => {
    const side = await scripted(async (wire) => {
      const { head } = await wire.message();
      await eventually(() => side.proxy.counter("REQUESTS") === 2);
      await wire.send(ok(head));
      await wire.end();
    });
    const client = await side.connect();
    client.request({ path: "/1" });
    await eventually(() => side.proxy.counter("REQUESTS") === 1);
    client.acknowledges = false;
    const isDrained = drained(side);
    await eventually(() => client.goaway !== null);
    expect(lastStreams(client)[0]).toBe(LAST_OF_ALL);
    // It was on its way when that was said: only behind it the PING comes back that was said with it.
    const second = client.request({ path: "/2" });
    client.send(frame(Type.PING, FrameFlag.ACK, 0, "leaving "));
    expect((await client.response(second)).status).toBe(200);
    expect((await client.response(1)).status).toBe(200);
    expect(await client.end()).toBe(0);
    expect(lastStreams(client)).toEqual([LAST_OF_ALL, 3]);
    client.close();
    await isDrained;
  });

  test("a connection without requests ends at once when the worker does", async () => {
    const side = await echoing();
    const client = await side.connect();
    expect((await client.ask()).status).toBe(200);
    const isDrained = drained(side);
    expect(await client.end()).toBe(0);
    expect(lastStreams(client)).toEqual([LAST_OF_ALL, 1]);
    client.close();
    await isDrained;
  });

  test("who comes to a finishing worker with a request that was on its way is served", async () => {
    const side = await echoing();
    const client = await side.connect();
    await client.ping();
    const isDrained = drained(side);
    expect((await client.ask()).status).toBe(200);
    expect(await client.end()).toBe(0);
    client.close();
    await isDrained;
  });

  test("what comes behind the last GOAWAY is not served, and what it says of tables is understood", async () => {
    const side = await scripted(SILENT, { maxRequestsPerConnection: 1 });
    const client = await side.connect();
    client.request();
    await eventually(() => lastStreams(client).length === 2);
    const late = client.request({ path: "/late" });
    await client.ping();
    expect(client.stream(late)).toMatchObject({ status: 0, ended: false, reset: -1 });
    expect([side.proxy.counter("REQUESTS"), client.wire.ended]).toEqual([1, null]);
    client.close();
    await quiet(side);
  });

  test("all that comes for a request that came too late is read over: those before it go on", async () => {
    const side = await scripted(
      async (wire) => {
        const { head } = await wire.message();
        await eventually(() => isLate);
        await wire.send(ok(head));
        await wire.end();
      },
      { maxRequestsPerConnection: 1 },
    );
    let isLate = false;
    const client = await side.connect();
    const first = client.request();
    await eventually(() => lastStreams(client).length === 2);
    const late = client.request({ method: "POST", open: true, body: "some of a body" });
    client.send(
      frame(Type.WINDOW_UPDATE, 0, late, integer32(8)),
      frame(Type.HEADERS, END_HEADERS | END_STREAM, late, block([["x-checksum", "1"]])),
      frame(Type.RST_STREAM, 0, late, integer32(8)),
    );
    await client.ping();
    isLate = true;
    expect((await client.response(first)).status).toBe(200);
    expect(await client.end()).toBe(0);
    expect(lastStreams(client)).toEqual([LAST_OF_ALL, first]);
    client.close();
    await quiet(side);
  });

  test("after MAX_REQUESTS_PER_CONNECTION it takes no more", async () => {
    const side = await echoing({ maxRequestsPerConnection: 2 });
    const client = await side.connect();
    const first = client.request({ path: "/1" }, { path: "/2" });
    expect((await client.response(first)).status).toBe(200);
    expect((await client.response(first + 2)).status).toBe(200);
    expect(await client.end()).toBe(0);
    expect(lastStreams(client)).toEqual([LAST_OF_ALL, 3]);
    client.close();
  });

  test("a connection that is old enough takes no more requests", async () => {
    const side = await echoing();
    const [older, client] = [await Wire.connect(side.proxy.port), await side.connect()];
    await older.send(get());
    expect((await older.message()).head).not.toContain("Connection: close");
    expect((await client.ask()).status).toBe(200);
    await restrict(side, client, { maxConnectionAgeMs: 300 });
    expect(await client.end()).toBe(0);
    expect(lastStreams(client)).toEqual([LAST_OF_ALL, 1]);
    await older.send(get());
    expect((await older.message()).head).toContain("Connection: close\r\n");
    client.close();
    older.destroy();
  });

  test("what outlasts the time to finish behind a connection's greatest age is given up", async () => {
    const begun: Script = async (wire) => {
      const { startLine } = await wire.message();
      if (startLine.includes("/begun")) await wire.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
      await wire.end();
    };
    const side = await scripted(begun);
    const client = await side.connect();
    const silent = client.request({ path: "/silent" }, { path: "/begun" });
    await eventually(() => client.stream(silent + 2).body === "half" && side.proxy.inFlight === 2);
    await restrict(side, client, { maxConnectionAgeMs: 300, maxConnectionAgeGraceMs: 300 });
    const { status, body } = await client.response(silent);
    expect([status, JSON.parse(body)]).toMatchObject([503, { error: { code: "connection_age" } }]);
    const half = client.stream(silent + 2);
    await eventually(() => half.reset >= 0);
    expect([half.status, half.body, half.reset]).toEqual([200, "half", ErrorCode.INTERNAL_ERROR]);
    expect(await client.end()).toBe(0);
    client.close();
    await quiet(side);
  });

  test("a client that says that it leaves gets what it asked for", async () => {
    const side = await echoing();
    const client = await side.connect();
    const { id, bytes } = client.framesOf();
    client.send(bytes, frame(Type.GOAWAY, 0, 0, Buffer.concat([integer32(0), integer32(0)])));
    expect((await client.response(id)).status).toBe(200);
    expect(await client.end()).toBe(0);
    client.close();
  });

  test("a client that is gone has its requests given up", async () => {
    const side = await scripted(SILENT);
    const client = await side.connect();
    client.request({}, {}, {});
    await eventually(() => side.proxy.inFlight === 3);
    client.wire.finish();
    await quiet(side);
    expect(side.proxy.counter("CLIENT_ABORTS")).toBe(3);
    client.close();
  });

  test("with CLIENT_HALF_CLOSE it gets its responses", async () => {
    const side = await echoing({ clientHalfClose: true });
    const client = await side.connect();
    client.updates = false;
    await client.ping();
    const id = client.request();
    client.wire.finish();
    expect((await client.response(id)).status).toBe(200);
    await client.end();
    await quiet(side);
  });
});

describe("when time is over", () => {
  test("a connection without requests", async () => {
    const side = await echoing();
    const client = await side.connect();
    expect((await client.ask()).status).toBe(200);
    await restrict(side, client, { idleTimeoutMs: 300 });
    expect(await client.end()).toBe(0);
    expect(client.goaway).toEqual({ lastStreamId: 1, code: 0, text: "idle" });
    client.close();
  });

  test("but not one with a request", async () => {
    const side = await scripted(async (wire) => {
      await wire.message();
      await eventually(() => isLate);
      await wire.send(ok("late"));
    });
    let isLate = false;
    const [client, idle] = [await side.connect(), await side.connect()];
    const id = client.request();
    await eventually(() => side.proxy.inFlight === 1);
    await restrict(side, client, { idleTimeoutMs: 200 });
    await idle.ping();
    // By the time that one without a request has ended, this one would have.
    expect(await idle.end()).toBe(0);
    isLate = true;
    expect(await client.response(id)).toMatchObject({ status: 200, body: "late" });
    idle.close();
    client.close();
  });

  test.each([
    ["the preface", PREFACE.subarray(0, 20)],
    ["SETTINGS", PREFACE],
    ["a frame", Buffer.concat([PREFACE, settings(), frame(Type.PING, 0, 0, "12345678").subarray(0, 12)])],
    [
      "a head",
      Buffer.concat([
        PREFACE,
        settings(),
        frame(Type.SETTINGS, 1, 0),
        frame(Type.HEADERS, END_STREAM, 1, block([["x", "y"]])),
      ]),
    ],
  ])("%s that does not come whole", async (_, bytes) => {
    const side = await echoing({ requestHeadTimeoutMs: 300 });
    const client = new Http2Wire(await Wire.connect(side.proxy.port));
    client.acknowledges = false;
    client.listen();
    client.send(bytes);
    expect([4, 0xb]).toContain(await client.end());
    client.close();
    await quiet(side);
  });

  test("settings that are never acknowledged", async () => {
    const side = await echoing({ requestHeadTimeoutMs: 300 });
    const client = new Http2Wire(await Wire.connect(side.proxy.port));
    client.acknowledges = false;
    client.listen();
    client.send(PREFACE, settings());
    expect(await client.end()).toBe(4);
    client.close();
  });

  test("a body that does not go on is the end of its request alone", async () => {
    const side = await scripted(SILENT, { requestBodyTimeoutMs: 300 });
    const client = await side.connect();
    const id = client.request({ method: "POST", open: true, body: "x" });
    expect(await client.response(id)).toMatchObject({ status: 408, ended: true });
    await eventually(() => client.stream(id).reset >= 0);
    expect([client.stream(id).reset, client.wire.ended]).toEqual([0, null]);
    client.close();
  });
});

describe("over what must not be", () => {
  test("a first frame that is no SETTINGS", async () => {
    const side = await echoing();
    for (const first of [
      frame(Type.PING, 0, 0, "12345678"),
      frame(Type.HEADERS, END_HEADERS | END_STREAM, 1, block([])),
    ]) {
      const client = await side.connect(first);
      expect(await client.end()).toBe(1);
      client.close();
    }
  });

  test.each([
    ["an even number", 1, () => frame(Type.HEADERS, END_HEADERS | END_STREAM, 2, block([]))],
    ["a number that was passed over", 1, () => frame(Type.HEADERS, END_HEADERS, 3, block([]))],
    [
      "a head for a stream that has ended",
      5,
      () => frame(Type.HEADERS, END_HEADERS | END_STREAM, 5, block([["x", "y"]])),
    ],
    ["DATA for a stream that never was", 1, () => frame(Type.DATA, 0, 99, "x")],
    ["RST_STREAM for one", 1, () => frame(Type.RST_STREAM, 0, 99, integer32(8))],
    ["WINDOW_UPDATE for one", 1, () => frame(Type.WINDOW_UPDATE, 0, 99, integer32(8))],
    ["a block that can't be read", 9, () => frame(Type.HEADERS, END_HEADERS | END_STREAM, 99, Buffer.of(0x80))],
    ["trailers that can't be read", 9, () => frame(Type.HEADERS, END_HEADERS | END_STREAM, 7, Buffer.of(0xff))],
    ["a window of more than 2^31 - 1 bytes", 3, () => frame(Type.WINDOW_UPDATE, 0, 0, integer32(0x7fff_ffff))],
    ["a setting with a wrong value", 1, () => settings([2, 2])],
    [
      "windows of streams that become too large",
      3,
      () => Buffer.concat([frame(Type.WINDOW_UPDATE, 0, 7, integer32(1)), settings([4, 0x7fff_ffff])]),
    ],
    ["a frame that is too long", 6, () => frame(Type.DATA, 0, 7, Buffer.alloc(16_385))],
    ["PUSH_PROMISE", 1, () => frame(Type.PUSH_PROMISE, END_HEADERS, 7, integer32(2))],
  ])("%s", async (name, code, bytes) => {
    const side = await scripted(async (wire) => {
      for (;;) {
        const { head } = await wire.message();
        if (!head.startsWith("POST")) await wire.send(ok(head));
      }
    });
    const client = await side.connect();
    client.nextId = 5;
    expect((await client.ask()).status).toBe(200);
    client.request({ method: "POST", open: true }); // 7
    await client.ping();
    client.send(bytes());
    expect([name, await client.end()]).toEqual([name, code]);
    client.close();
    await quiet(side);
    expect(side.proxy.counter("HTTP2_PROTOCOL_ERRORS")).toBe(1);
  });
});
