/** A connect that was refused at once told its user before the user held the connection, which then kept a dead one. */
import { expect, test } from "bun:test";
import type { Failure } from "../../src/proxy/failure.ts";
import { ResponseHead } from "../../src/proxy/http1/head.ts";
import { EndOfTurn } from "../../src/proxy/sockets/end-of-turn.ts";
import { SocketKernel } from "../../src/proxy/sockets/socket-kernel.ts";
import { TimerWheel } from "../../src/proxy/sockets/timer-wheel.ts";
import { Http1Upstream } from "../../src/proxy/upstream/http1/upstream.ts";
import type { UpstreamUser } from "../../src/proxy/upstream/leg.ts";

const ENDPOINT = {
  slot: 0,
  id: 1,
  pool: 0,
  url: "http://a:1",
  hostname: "a",
  address: "127.0.0.1",
  port: 1,
  tls: false,
  http2: false,
};
const SETTINGS = {
  connectTimeoutMs: 100,
  upstreamIdleTimeoutMs: 100,
  upstreamMaxIdle: 10,
  upstreamVia: true,
  upstreamCaPem: "",
  upstreamServerName: null,
  upstreamProxyProtocol: "off" as const,
  upstreamCertificate: null,
};
const CONTEXT = {
  settings: SETTINGS,
  limits: { maxHeadBytes: 1024, maxFields: 10 },
  scratch: Buffer.alloc(0),
  responseHead: new ResponseHead(10),
  wheel: new TimerWheel(0),
  endOfTurn: new EndOfTurn(
    () => performance.now(),
    (error) => {
      throw error;
    },
  ),
  kernel: new SocketKernel(null),
  counters: new Float64Array(64),
  block: { connects: new Float64Array(64), handshakes: new Float64Array(64), reuses: new Float64Array(4) },
};
const MANY_ABANDONED = 128;

test("a server with too many hanging connects is failed in a later turn", async () => {
  const pool = new Http1Upstream(ENDPOINT, CONTEXT, () => {});
  const told: Failure[] = [];
  const user: UpstreamUser = {
    clientAddress: Buffer.alloc(0),
    onUpstreamReady() {},
    onUpstreamFailed: (_, failure) => void told.push(failure),
    onUpstreamHead() {},
    onUpstreamData() {},
    onUpstreamEnd() {},
    onUpstreamDrain() {},
    onUpstreamDeadline() {},
  };
  for (let i = 0; i < MANY_ABANDONED; i++) pool.acquire(user, true, true, 0).destroy();
  pool.acquire(user, true, true, 0);
  expect(told).toEqual([]);
  await Promise.resolve();
  expect(told.map(({ code }) => code)).toEqual(["connect_timeout"]);
});
