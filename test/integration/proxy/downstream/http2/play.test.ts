/**
 * Clients of HTTP/2 that do at random, by a seed, what they may and what they must not, in clear and over TLS: whatever they do,
 * nothing throws, frames of ours are those of streams that are open, no stream gets another's response, honest clients beside
 * them are served, and nothing of any of them is left.
 */
import { afterEach, beforeAll, describe, expect, test } from "bun:test";
import type { TlsCertificate } from "../../../../../src/protocol/worker.ts";
import { FrameFlag, FrameType } from "../../../../../src/proxy/http2/frames/layout.ts";
import { type Random, seededRandom } from "../../../../fuzz/mutate.ts";
import { createAuthority } from "../../../../support/certificates.ts";
import { block, type Frame, frame, Http2Wire, integer32, settings } from "../../../../support/http2/wire.ts";
import { Backend, cleanUp, ok, TestProxy } from "../../../../support/proxy-harness.ts";
import { until } from "../../../../support/until.ts";

const { ACK, END_HEADERS, END_STREAM, PADDED, PRIORITY } = FrameFlag;
const PLAYERS = 40;
const ACTS = 60;
/** Of so many acts one is against the rules of the connection. */
const ILLEGAL_IN = 60;

let certificate: TlsCertificate;
beforeAll(() => {
  const { cert, key } = createAuthority().issue("DNS:a.example");
  certificate = { certPem: cert, keyPem: key, names: ["a.example"] };
});
afterEach(cleanUp);

/** One client, which plays until its connection ends or it has had enough. */
class Player {
  readonly #client: Http2Wire;
  readonly #random: Random;
  readonly #name: string;
  /** Streams whose requests have not ended. */
  readonly #open: number[] = [];

  constructor(client: Http2Wire, random: Random, name: string) {
    this.#client = client;
    this.#random = random;
    this.#name = name;
  }

  async play(): Promise<void> {
    const random = this.#random;
    const { wire } = this.#client;
    await this.#send(this.ask());
    let illegal = 0;
    for (let act = 0; act < ACTS && wire.ended === null; act++) {
      const acts = random(ILLEGAL_IN) === 0 ? ILLEGAL : LEGAL;
      if (acts === ILLEGAL) illegal++;
      await this.#send(acts[random(acts.length)](this));
      if (random(5) === 0) await Bun.sleep(random(3));
    }
    const end = random(4);
    if (end === 0) wire.reset();
    else if (end === 1) wire.socket.end();
    else if (illegal === 0) await this.#client.ping(); // else it may be in the middle of a frame
    this.#check();
    if (end === 0) return;
    this.#client.close();
  }

  /** In pieces, as often as not. */
  async #send(bytes: Buffer): Promise<void> {
    const pieces: Buffer[] = [];
    const random = this.#random;
    for (let at = 0; at < bytes.length; ) {
      const size = random(2) === 0 ? bytes.length : 1 + random(40);
      pieces.push(bytes.subarray(at, at + size));
      at += size;
    }
    for (const piece of pieces) {
      this.#client.send(piece);
      if (random(4) === 0) await Bun.sleep(0);
    }
  }

  /** What we said is what may be said, and what came is its own. */
  #check(): void {
    const over = new Set<number>();
    const reset = new Set<number>();
    for (const { type, flags, streamId } of this.#client.frames) {
      if (streamId === 0) continue;
      const notes = { player: this.#name, type, streamId };
      // Whoever goes on sending on a stream that was reset is told so again.
      const isReset = type === FrameType.RST_STREAM;
      if (!isReset && reset.has(streamId)) throw new Error(`a frame behind a reset: ${Bun.inspect(notes)}`);
      const isMessage = type === FrameType.HEADERS || type === FrameType.DATA;
      if (isMessage && over.has(streamId)) throw new Error(`a frame behind the end: ${Bun.inspect(notes)}`);
      if (isMessage && (flags & END_STREAM) !== 0) over.add(streamId);
      if (isReset) reset.add(streamId);
    }
    for (const [id, { status, body, ended }] of this.#client.streams) {
      if (status === 200 && ended) expect(body).toContain(this.#path(id));
    }
  }

  #path(id: number): string {
    return `/${this.#name}/${id}/`;
  }

  // ── what it may do ───────────────────────────────────────────────────────────────────────────────────────────────

  number(below: number): number {
    return this.#random(below);
  }

  ask(open = false): Buffer {
    const id = this.#client.nextId;
    const body = this.number(2) === 0 ? "x".repeat(this.number(3000)) : undefined;
    if (open) this.#open.push(id);
    const { bytes } = this.#client.framesOf({
      method: open || body !== undefined ? "POST" : "GET",
      path: this.#path(id),
      fields: [["x-player", this.#name]],
      open,
      ...(body !== undefined && { body }),
    });
    return bytes;
  }

  /** A stream that there is, perhaps. */
  stream(): number {
    return this.number(3) > 0 && this.#open.length > 0
      ? this.#open[this.number(this.#open.length)]
      : 1 + 2 * this.number(Math.max(1, (this.#client.nextId - 1) / 2));
  }

  /** One whose request goes on; 0 = there is none. */
  ending(): number {
    return this.#open.shift() ?? 0;
  }

  next(): number {
    const id = this.#client.nextId;
    this.#client.nextId += 2;
    return id;
  }
}

type Act = (player: Player) => Buffer;
const NOTHING = Buffer.alloc(0);

const LEGAL: readonly Act[] = [
  (player) => player.ask(),
  (player) => player.ask(),
  (player) => player.ask(true),
  (player) => Buffer.concat([player.ask(), player.ask(true), player.ask()]),
  (player) => {
    const id = player.ending();
    return id === 0 ? NOTHING : frame(FrameType.DATA, END_STREAM, id, "last");
  },
  (player) => {
    const id = player.ending();
    return id === 0 ? NOTHING : frame(FrameType.HEADERS, END_HEADERS | END_STREAM, id, block([["x-sum", "1"]]));
  },
  (player) => {
    const id = player.ending();
    return id === 0 ? NOTHING : frame(FrameType.RST_STREAM, 0, id, integer32(8));
  },
  (player) => frame(FrameType.PING, 0, 0, `${10_000_000 + player.number(1000)}`),
  (player) => settings([[4, 1, 3][player.number(3)], player.number(100_000)]),
  (player) => frame(FrameType.WINDOW_UPDATE, 0, 0, integer32(1 + player.number(1000))),
  (player) => frame(FrameType.WINDOW_UPDATE, 0, player.stream(), integer32(1 + player.number(1000))),
  (player) => frame(FrameType.PRIORITY, 0, player.stream(), Buffer.from([0, 0, 0, 0, player.number(256)])),
  (player) => frame(0xb0 + player.number(8), player.number(256), player.number(8), "unknown"),
  // Against the rules of a stream, not of the connection.
  (player) => frame(FrameType.HEADERS, END_HEADERS | END_STREAM, player.next(), block([["x-no", "pseudo-fields"]])),
  (player) =>
    frame(
      FrameType.HEADERS,
      END_HEADERS | END_STREAM,
      player.next(),
      block([
        [":method", "GET"],
        [":scheme", "http"],
        [":path", "/"],
        ["connection", "close"],
      ]),
    ),
];

const ILLEGAL: readonly Act[] = [
  (player) => frame(FrameType.DATA, 0, player.next() + 100, "for nobody"),
  (player) => frame(FrameType.DATA, 0, player.stream(), "behind the end, perhaps"),
  () => frame(FrameType.DATA, 0, 0, "for no stream"),
  (player) => frame(FrameType.DATA, PADDED, player.stream(), "\xffpadding that is too long"),
  () => frame(FrameType.WINDOW_UPDATE, 0, 0, integer32(0)),
  () => frame(FrameType.WINDOW_UPDATE, 0, 0, integer32(0x7fff_ffff)),
  (player) => frame(FrameType.WINDOW_UPDATE, 0, player.stream(), integer32(0)),
  () => frame(FrameType.CONTINUATION, END_HEADERS, 1, "of nothing"),
  (player) => frame(FrameType.HEADERS, END_HEADERS, player.next(), Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff])),
  (player) => frame(FrameType.HEADERS, 0, player.next(), block([[":method", "GET"]])),
  (player) => frame(FrameType.HEADERS, PRIORITY | END_HEADERS, player.next(), "\0"),
  () => frame(FrameType.HEADERS, END_HEADERS, 2, block([[":method", "GET"]])),
  () => frame(FrameType.PUSH_PROMISE, END_HEADERS, 1, "\0\0\0\x02"),
  () => frame(FrameType.SETTINGS, 0, 0, "odd"),
  () => frame(FrameType.SETTINGS, ACK, 0, "\0\0\0\0\0\0"),
  () => settings([2, 7]),
  () => frame(FrameType.PING, 0, 0, "short"),
  () => frame(FrameType.GOAWAY, 0, 0, Buffer.concat([integer32(0), integer32(0)])),
  (player) => Buffer.from(Array.from({ length: 1 + player.number(60) }, () => player.number(256))),
  () => Buffer.from([0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1]),
];

describe.each(["in clear", "over TLS"])("%s", (transport) => {
  const connect = (proxy: TestProxy, first: Buffer) =>
    transport === "in clear" ? Http2Wire.connect(proxy.port, first) : Http2Wire.connectTls(proxy.tlsPort, first);

  test.each([1, 2, 3])("whatever clients do (seed %i)", async (seed) => {
    const random = seededRandom(seed);
    const backend = await Backend.answering(async ({ startLine, body }) => {
      if (startLine.length % 3 === 0) await Bun.sleep(1);
      return ok(`${startLine}${"x".repeat(body.length * 5)}`);
    });
    const proxy = new TestProxy([backend], {
      settings: { tls: { port: 0, certificates: [certificate] }, requestBodyTimeoutMs: 2000 },
    });
    let playing = true;
    const honest = (async () => {
      const client = await connect(proxy, settings());
      let served = 0;
      for (; playing || served < 20; served++) {
        const { status, body } = await client.ask({ path: `/honest/${served}` });
        expect([status, body.split(" ")[1]]).toEqual([200, `/honest/${served}`]);
      }
      client.close();
      return served;
    })();
    const players = Array.from({ length: PLAYERS }, async (_, number) => {
      const first = settings(...(random(2) === 0 ? ([[4, random(70_000)]] as const) : []));
      const own = seededRandom(seed * 1000 + number);
      const client = await connect(proxy, first);
      client.updates = random(5) > 0;
      await new Player(client, own, `${seed}-${number}`).play();
      return client.frames;
    });
    const played = await Promise.allSettled(players);
    playing = false;
    expect(await honest).toBeGreaterThanOrEqual(20);
    const frames: Frame[] = [];
    for (const each of played) {
      if (each.status === "rejected") throw each.reason;
      frames.push(...each.value);
    }
    await until(() => proxy.counter("CONNECTIONS_OPEN") === 0 && proxy.inFlight === 0);
    expect(proxy.counter("INTERNAL_ERRORS")).toBe(0);
    expect(proxy.logged).toEqual([]);
    // All of it happened.
    expect(proxy.counter("HTTP2_PROTOCOL_ERRORS")).toBeGreaterThan(PLAYERS / 4);
    expect(proxy.counter("REQUESTS_REFUSED")).toBeGreaterThan(PLAYERS / 4);
    expect(frames.filter(({ type }) => type === FrameType.HEADERS).length).toBeGreaterThan(PLAYERS * 4);
  });
});
