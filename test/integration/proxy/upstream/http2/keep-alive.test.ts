/** How often a server of HTTP/2 is asked whether it is still there, by a clock of the test's own. */
import { beforeEach, expect, test } from "bun:test";
import { ResponseHead } from "../../../../../src/proxy/http1/head.ts";
import { EndOfTurn } from "../../../../../src/proxy/sockets/end-of-turn.ts";
import type { Dialler, RawSocket } from "../../../../../src/proxy/sockets/raw-socket.ts";
import { SocketKernel } from "../../../../../src/proxy/sockets/socket-kernel.ts";
import { TimerWheel } from "../../../../../src/proxy/sockets/timer-wheel.ts";
import type { UpstreamContext } from "../../../../../src/proxy/upstream/context.ts";
import { Http2Coding } from "../../../../../src/proxy/upstream/http2/coding.ts";
import { Http2Upstream } from "../../../../../src/proxy/upstream/http2/upstream.ts";
import { block, Flag, Frame, frame, settingsPayload } from "../../../../support/http2/server.ts";
import { turn } from "../../../../support/turn.ts";
import { LegUser } from "../leg-user.ts";
import { requestOf } from "../request.ts";

const STEP_MS = 500;
const HOUR_MS = 3_600_000;
/** What servers of gRPC allow: a PING in five minutes. */
const SELDOM_MS = 300_000;
const PREFACE_BYTES = 24;

let nowMs = 0;
let context: UpstreamContext;
beforeEach(() => {
  nowMs = 0;
  context = {
    settings: {
      connectTimeoutMs: 1000,
      upstreamIdleTimeoutMs: 60_000,
      upstreamMaxIdle: 10,
      upstreamVia: true,
      upstreamCaPem: "",
      upstreamServerName: null,
      upstreamProxyProtocol: "off",
      upstreamCertificate: null,
    },
    limits: { maxHeadBytes: 65_536, maxFields: 100 },
    scratch: Buffer.alloc(65_536),
    responseHead: new ResponseHead(100),
    wheel: new TimerWheel(0),
    endOfTurn: new EndOfTurn(
      () => nowMs,
      (error) => {
        throw error;
      },
    ),
    kernel: SocketKernel.of(null),
    counters: new Float64Array(64),
    block: { connects: new Float64Array(64), handshakes: new Float64Array(64), reuses: new Float64Array(4) },
  };
});

/** The server's end. */
class Socket {
  dialler: Dialler | null = null;
  ended = false;
  /** When PINGs came. */
  readonly pings: number[] = [];
  answers = true;
  #begun = false;

  readonly raw = {
    write: (data: Buffer, offset = 0, length = data.length - offset) => {
      this.#read(data.subarray(offset, offset + length));
      return length;
    },
    end: () => {
      this.ended = true;
    },
    terminate: () => {
      this.ended = true;
    },
    pause: () => {},
    resume: () => {},
    remoteAddress: "",
    fd: -1,
    idle: false,
  } as unknown as RawSocket;

  say(bytes: Buffer): void {
    this.dialler?.onData(bytes, nowMs);
  }

  /** What is written are whole frames. */
  #read(data: Buffer): void {
    for (let at = this.#begun ? 0 : PREFACE_BYTES; at < data.length; ) {
      const length = data.readUIntBE(at, 3);
      const payload = data.subarray(at + 9, at + 9 + length);
      if (data[at + 3] === Frame.PING && data[at + 4] === 0) {
        this.pings.push(nowMs);
        const reply = frame(Frame.PING, Flag.ACK, 0, Buffer.from(payload));
        if (this.answers) queueMicrotask(() => this.say(reply));
      }
      at += 9 + length;
    }
    this.#begun = true;
  }
}

/** A connection with a request on it. */
async function asked() {
  const socket = new Socket();
  const endpoint = {
    slot: 0,
    id: 1,
    pool: 0,
    url: "h2c://a.example:1",
    hostname: "a.example",
    address: "127.0.0.1",
    port: 1,
    tls: false,
    http2: true,
  };
  const dial = (_endpoint: unknown, _tls: unknown, dialler: Dialler): void => {
    socket.dialler = dialler;
  };
  const pool = new Http2Upstream(endpoint, context, dial, new Http2Coding());
  const user = new LegUser(context);
  const leg = pool.acquire(user, true, false, nowMs);
  socket.dialler?.opened(socket.raw, nowMs);
  socket.say(frame(Frame.SETTINGS, 0, 0, settingsPayload({})));
  leg.sendRequest(requestOf("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  await turn();
  user.heard.length = 0;
  return { socket, user, leg };
}

/** Time passes. @param each done at each step. */
async function pass(ms: number, each: () => void = () => {}): Promise<void> {
  for (const end = nowMs + ms; nowMs < end; ) {
    nowMs += STEP_MS;
    context.wheel.advance(nowMs);
    each();
    await Promise.resolve();
    await Promise.resolve();
  }
  await turn();
}

test("a silent one with a request is asked, and no more often than servers of gRPC allow", async () => {
  const { socket, user } = await asked();
  await pass(HOUR_MS);
  expect(socket.pings.length).toBeGreaterThanOrEqual(10);
  for (const [i, at] of socket.pings.entries()) expect(at - (socket.pings[i - 1] ?? 0)).toBeGreaterThan(SELDOM_MS);
  expect(user.heard).toEqual([]);
});

test("one on which something comes is not", async () => {
  const { socket } = await asked();
  socket.say(frame(Frame.HEADERS, Flag.END_HEADERS, 1, block([[":status", "200"]])));
  await pass(HOUR_MS, () => {
    if (nowMs % 60_000 === 0) socket.say(frame(Frame.DATA, 0, 1, Buffer.from("x")));
  });
  expect(socket.pings).toEqual([]);
});

test("one that does not answer has failed, seconds later", async () => {
  const { socket, user } = await asked();
  socket.answers = false;
  await pass(SELDOM_MS);
  expect(user.heard).toEqual([]);
  await pass(15_000);
  expect([socket.pings.length, socket.ended]).toEqual([1, true]);
  expect(user.heard).toEqual(["failed closed_before_response"]);
});

test("nobody asks on one that nobody uses: it ends after its time", async () => {
  const { socket, leg } = await asked();
  socket.say(frame(Frame.HEADERS, Flag.END_HEADERS | Flag.END_STREAM, 1, block([[":status", "204"]])));
  leg.release(nowMs);
  await turn();
  await pass(50_000);
  expect(socket.ended).toBe(false);
  await pass(15_000);
  expect([socket.ended, socket.pings]).toEqual([true, []]);
});
