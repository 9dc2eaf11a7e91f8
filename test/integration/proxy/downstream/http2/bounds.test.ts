/** What a client may not do to us, tried: each row of docs/http2.md, "Bounds". */
import { afterEach, describe, expect, test } from "bun:test";
import { FrameFlag, FrameType as Type } from "../../../../../src/proxy/http2/frames/layout.ts";
import { block, frame, Http2Wire, integer32, settings } from "../../../../support/http2/wire.ts";
import { cleanUp, eventually, TestProxy } from "../../../../support/proxy-harness.ts";
import { echoing, quiet, SILENT, type Side, scripted } from "./support.ts";

const { END_HEADERS, END_STREAM, PADDED } = FrameFlag;
const CALM = 0xb;
const INITIAL_WINDOW_SIZE = 4;

afterEach(cleanUp);

/** Sends what `packet` makes again and again until the connection ends. @returns the code of its end, and how often it took. */
async function flood(client: Http2Wire, packet: (i: number) => Buffer, perWrite = 50): Promise<[number, number]> {
  let sent = 0;
  while (client.wire.ended === null && sent < 100_000) {
    client.send(...Array.from({ length: perWrite }, () => packet(sent++)));
    await Bun.sleep(0);
  }
  return [await client.end(), sent];
}

describe("streams", () => {
  test("streams beyond the limit are refused, and may be sent again", async () => {
    const side = await scripted(SILENT, { http2MaxStreams: 3 });
    const client = await side.connect();
    const first = client.request({}, {}, {}, {}, {});
    await eventually(() => client.stream(first + 8).reset >= 0);
    expect(client.settings.get(3)).toBe(3);
    expect([0, 2, 4, 6, 8].map((i) => client.stream(first + i).reset)).toEqual([-1, -1, -1, 7, 7]);
    expect(side.proxy.counter("HTTP2_STREAMS_REFUSED")).toBe(2);
    // One that ends makes room.
    client.send(frame(Type.RST_STREAM, 0, first, integer32(8)));
    const next = client.request();
    await client.ping();
    expect(client.stream(next).reset).toBe(-1);
    client.close();
    await quiet(side);
  });

  test("rapid reset: who asks and takes it back at once does not go on for long, and servers hear of none", async () => {
    const side = await echoing();
    const client = await side.connect();
    const [code, sent] = await flood(client, () => {
      const { id, bytes } = client.framesOf();
      return Buffer.concat([bytes, frame(Type.RST_STREAM, 0, id, integer32(8))]);
    });
    expect(code).toBe(CALM);
    expect(sent).toBeLessThan(2000);
    expect(side.backend.connections.length).toBe(0);
    expect(side.proxy.counter("HTTP2_ABUSE")).toBe(1);
    client.close();
    await quiet(side);
  });

  test("resets that come when the servers have the requests count as well", async () => {
    const side = await scripted(SILENT);
    const client = await side.connect();
    for (let i = 0; i < 400 && client.wire.ended === null; i++) {
      const id = client.request();
      client.send(frame(Type.RST_STREAM, 0, id, integer32(8)));
      if (i % 20 === 0) await client.ping("abcdefgh");
    }
    expect(await client.end()).toBe(CALM);
    client.close();
    await quiet(side);
  });

  test.each([
    ["a window update of nothing", (id: number) => frame(Type.WINDOW_UPDATE, 0, id, integer32(0))],
    ["a window that is too large", (id: number) => frame(Type.WINDOW_UPDATE, 0, id, integer32(0x7fff_ffff))],
    ["a priority on itself", (id: number) => frame(Type.PRIORITY, 0, id, Buffer.concat([integer32(id), Buffer.of(1)]))],
    ["a head after the end", (id: number) => frame(Type.HEADERS, END_HEADERS | END_STREAM, id, block([["x", "y"]]))],
    ["DATA after the end", (id: number) => frame(Type.DATA, END_STREAM, id, "x")],
  ])("MadeYouReset: %s has us reset the stream, and that counts", async (_, mistake) => {
    const side = await scripted(SILENT);
    const client = await side.connect();
    const [code, sent] = await flood(client, () => {
      const { id, bytes } = client.framesOf();
      return Buffer.concat([bytes, mistake(id)]);
    });
    expect(code).toBe(CALM);
    expect(sent).toBeLessThan(2000);
    client.close();
    await quiet(side);
  });
});

describe("floods of frames that bring nobody forward", () => {
  test.each([
    ["PING", () => frame(Type.PING, 0, 0, "12345678")],
    ["SETTINGS", () => settings()],
    [
      "SETTINGS that are long",
      () => settings(...Array.from({ length: 2000 }, () => [INITIAL_WINDOW_SIZE, 65_535] as const)),
    ],
    ["PRIORITY", () => frame(Type.PRIORITY, 0, 1, "\0\0\0\x03\x10")],
    ["WINDOW_UPDATE", () => frame(Type.WINDOW_UPDATE, 0, 0, integer32(1))],
    ["WINDOW_UPDATE of a stream that is no more", () => frame(Type.WINDOW_UPDATE, 0, 1, integer32(1))],
    ["RST_STREAM of a stream that is no more", () => frame(Type.RST_STREAM, 0, 1, integer32(8))],
    ["DATA of a stream that is no more", () => frame(Type.DATA, END_STREAM, 1)],
    ["what nobody knows", () => frame(0xfa, 0, 0, "whatever")],
  ])("%s", async (_, packet) => {
    const side = await echoing();
    const client = await side.connect();
    expect((await client.ask()).status).toBe(200);
    const [code, sent] = await flood(client, packet);
    expect(code).toBe(CALM);
    expect(sent).toBeLessThan(3000);
    client.close();
    await quiet(side);
  });

  test.each([
    ["empty DATA", () => frame(Type.DATA, 0, 1)],
    ["DATA of padding alone", () => frame(Type.DATA, PADDED, 1, Buffer.alloc(101, "\x64\0"))],
  ])("%s, in a body that never ends", async (_, packet) => {
    const side = await scripted(SILENT);
    const client = await side.connect();
    client.request({ method: "POST", open: true });
    const [code] = await flood(client, packet);
    expect(code).toBe(CALM);
    client.close();
    await quiet(side);
  });

  test("who takes none of our replies is ended without any", async () => {
    const side = await echoing();
    const client = await side.connect();
    // Large responses earn it many frames, and nobody reads them or the replies.
    client.wire.socket.pause();
    for (let i = 0; i < 40 && client.wire.ended === null; i++) {
      client.send(...Array.from({ length: 200 }, () => frame(Type.PING, 0, 0, "12345678")));
      await Bun.sleep(0);
    }
    await eventually(() => side.proxy.counter("HTTP2_ABUSE") === 1);
    client.close();
    await quiet(side);
  });

  test("a long download is none: it may update its windows as often as it takes something", async () => {
    const body = Buffer.alloc(4_000_000, "x");
    const side = await scripted(async (wire) => {
      for (;;) {
        await wire.message();
        await wire.send(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`);
        await wire.pump(body);
      }
    });
    const client = await side.connect();
    for (let i = 0; i < 3; i++) expect((await client.ask()).body.length).toBe(body.length);
    expect(client.frames.filter(({ type }) => type === Type.DATA).length).toBeGreaterThan(600);
    client.close();
  });
});

describe("heads", () => {
  test("CONTINUATION without end", async () => {
    const side = await echoing();
    const client = await side.connect();
    await client.ping(); // behind it no frame of ours comes in between
    client.send(frame(Type.HEADERS, END_STREAM, 1, block([[":method", "GET"]])));
    const [code, sent] = await flood(client, () => frame(Type.CONTINUATION, 0, 1, block([["x", "y"]])), 2);
    expect([code, sent < 100]).toEqual([CALM, true]);
    client.close();
    await quiet(side);
  });

  test("a compressed head beyond MAX_HEADER_BYTES", async () => {
    const side = await echoing({ maxHeaderBytes: 4096 });
    const client = await side.connect();
    client.send(frame(Type.HEADERS, END_STREAM, 1, Buffer.alloc(4000, 0x82)));
    client.send(frame(Type.CONTINUATION, END_HEADERS, 1, Buffer.alloc(4000, 0x82)));
    expect(await client.end()).toBe(CALM);
    expect(client.settings.get(6)).toBe(4096);
    client.close();
    await quiet(side);
  });

  test("HPACK bomb: a small block of a large head is refused, and what was learned from it holds", async () => {
    const side = await echoing({ maxHeaderBytes: 8192 });
    const client = await side.connect();
    const bomb = "b".repeat(3000);
    // Enters the table, and is named again and again: index 62 is the newest entry.
    const entering = Buffer.concat([
      Buffer.of(0x40, 4),
      Buffer.from("bomb"),
      Buffer.of(127, 0xb9, 0x16),
      Buffer.from(bomb),
    ]);
    const again = Buffer.alloc(2000, 0x80 | 62);
    const pseudo = block([
      [":method", "GET"],
      [":scheme", "http"],
      [":authority", "a.example"],
      [":path", "/"],
    ]);
    client.send(frame(Type.HEADERS, END_HEADERS | END_STREAM, 1, Buffer.concat([pseudo, entering, again])));
    client.nextId = 3;
    expect(await client.response(1)).toMatchObject({ status: 431, ended: true });
    client.send(frame(Type.HEADERS, END_HEADERS | END_STREAM, 3, Buffer.concat([pseudo, Buffer.of(0x80 | 62)])));
    const { status, body } = await client.response(3);
    expect([status, body.includes(`bomb: ${bomb}\r\n`)]).toEqual([200, true]);
    client.close();
    await quiet(side);
  });

  test("too many fields are refused on their stream alone", async () => {
    const side = await echoing({ maxHeaderCount: 20 });
    const client = await side.connect();
    const fields = Array.from({ length: 30 }, (_, i) => [`x-${i}`, "y"] as const);
    expect(await client.ask({ fields })).toMatchObject({ status: 431, ended: true });
    expect((await client.ask()).status).toBe(200);
    client.close();
  });
});

describe("bytes that nobody takes", () => {
  /** A server that says as much as it can. */
  async function talking(given: object = {}): Promise<Side> {
    return scripted(async (wire) => {
      await wire.message();
      await wire.send("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n");
      await wire.pump(Buffer.alloc(100_000_000));
    }, given);
  }

  test("stalled windows: little is held of a response, and its stream ends when its time is over", async () => {
    const side = await talking({ responseBodyTimeoutMs: 500 });
    const client = await side.connect(settings([INITIAL_WINDOW_SIZE, 0]));
    const id = client.request();
    await client.response(id);
    expect(client.stream(id)).toMatchObject({ status: 200, body: "", reset: 8 });
    // The connection lives on.
    await client.ping();
    expect(client.wire.ended).toBe(null);
    client.close();
    await quiet(side);
    expect(side.proxy.counter("BYTES_TO_CLIENTS")).toBeLessThan(2_000_000);
  });

  test("a response that is complete, and not taken, ends too", async () => {
    const side = await echoing({ responseBodyTimeoutMs: 300 });
    const client = await side.connect(settings([INITIAL_WINDOW_SIZE, 0]));
    expect(await client.ask()).toMatchObject({ status: 200, body: "", ended: false, reset: 8 });
    expect(side.proxy.inFlight).toBe(0);
    client.close();
    await quiet(side);
  });

  test("a client whose socket takes nothing is ended, with all its streams", async () => {
    const side = await talking({ responseBodyTimeoutMs: 500 });
    const client = await side.connect(settings([INITIAL_WINDOW_SIZE, 0x7fff_ffff]));
    client.send(frame(Type.WINDOW_UPDATE, 0, 0, integer32(0x7000_0000)));
    client.request();
    await eventually(() => client.stream(1).body.length > 0);
    client.wire.socket.pause();
    await quiet(side);
    client.close();
  });

  test("a server that takes nothing holds back its own request, and what is held is the window", async () => {
    const side = await scripted(async (wire) => {
      wire.socket.pause();
      await new Promise((resolve) => wire.socket.once("close", resolve));
    });
    const client = await side.connect();
    await client.ping();
    const id = client.request({ method: "POST", open: true });
    let sent = 0;
    const allowed = () => Math.min(client.window, 262_144 + (client.windows.get(id) ?? 0)) - sent;
    let last = 0;
    do {
      last = sent;
      while (allowed() >= 16_384) {
        client.data(id, Buffer.alloc(16_384));
        sent += 16_384;
      }
      await client.ping();
    } while (sent > last);
    // What systems and the proxy take in between is bounded; the rest has to wait.
    expect(sent).toBeLessThan(20_000_000);
    // Who sends more all the same breaks the rules.
    for (let i = 0; i < 20; i++) client.data(id, Buffer.alloc(16_384));
    await eventually(() => client.stream(id).reset === 3);
    client.close();
    await quiet(side);
  });

  test("uploads that nobody wants any more hold no window, though their responses are not taken", async () => {
    const side = await scripted(SILENT);
    const proxy = new TestProxy([{ port: side.backend.port, hardLimit: 1 }], {
      settings: { queueTimeoutMs: 300, responseBodyTimeoutMs: 3_600_000 },
    });
    const other = await Http2Wire.connect(proxy.port);
    other.request();
    await eventually(() => proxy.inFlight === 1);
    const client = await Http2Wire.connect(proxy.port, settings([INITIAL_WINDOW_SIZE, 0]));
    await client.ping();
    const ids = [1, 3, 5, 7];
    client.request(...ids.map(() => ({ method: "POST", open: true })));
    // The window of the connection, and of each of the streams.
    const { window } = client;
    for (const id of ids) {
      for (let sent = 0; sent < window / ids.length; sent += 16_384) {
        client.data(id, Buffer.alloc(Math.min(16_384, window / ids.length - sent)));
      }
    }
    await eventually(() => ids.every((id) => client.stream(id).status === 503));
    expect(ids.map((id) => client.stream(id))).toMatchObject(ids.map(() => ({ body: "", ended: false, reset: -1 })));
    // Of what came for all of them not more is kept back than it pays to tell of.
    await eventually(() => client.window >= 2 * window - window / 2);
    client.close();
    other.close();
    await eventually(() => proxy.counter("CONNECTIONS_OPEN") === 0 && proxy.inFlight === 0);
  });

  test("more than the connection's window ends the connection", async () => {
    const side = await scripted(async (wire) => {
      wire.socket.pause();
      await new Promise((resolve) => wire.socket.once("close", resolve));
    });
    const client = await side.connect();
    client.request(...Array.from({ length: 8 }, () => ({ method: "POST", open: true })));
    while (client.wire.ended === null) {
      for (let id = 1; id < 16; id += 2) client.data(id, Buffer.alloc(16_384));
      await Bun.sleep(0);
    }
    expect([3, CALM]).toContain(await client.end());
    client.close();
    await quiet(side);
  });
});
