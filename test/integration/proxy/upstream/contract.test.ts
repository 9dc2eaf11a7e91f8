/** Legs of all protocols keep one contract: HTTP/1.1 and HTTP/2 on each kind of sockets. */
import type { Endpoint } from "../../../../src/protocol/endpoint.ts";
import { ResponseHead } from "../../../../src/proxy/http1/head.ts";
import { EndOfTurn } from "../../../../src/proxy/sockets/end-of-turn.ts";
import { SocketKernel } from "../../../../src/proxy/sockets/socket-kernel.ts";
import { TimerWheel } from "../../../../src/proxy/sockets/timer-wheel.ts";
import type { UpstreamContext } from "../../../../src/proxy/upstream/context.ts";
import { createDial } from "../../../../src/proxy/upstream/dial.ts";
import { Http1Upstream } from "../../../../src/proxy/upstream/http1/upstream.ts";
import { Http2Coding } from "../../../../src/proxy/upstream/http2/coding.ts";
import { Http2Upstream } from "../../../../src/proxy/upstream/http2/upstream.ts";
import { REFUSING_PORT } from "../../../support/ports/free-port.ts";
import { until } from "../../../support/until.ts";
import { networkOf } from "../sockets/socket-kinds.ts";
import { Http1Server } from "./http1-server.ts";
import { Http2Server } from "./http2-server.ts";
import { type LegKind, legContract } from "./leg-contract.ts";

if (process.platform === "linux") legContract(http1("HTTP/1.1 on our own sockets", true));
legContract(http1("HTTP/1.1 on the runtime's sockets", false));
if (process.platform === "linux") legContract(http2("HTTP/2 on our own sockets", true));
legContract(http2("HTTP/2 on the runtime's sockets", false));

function contextOf(): UpstreamContext {
  const wheel = new TimerWheel(performance.now());
  return {
    settings: {
      connectTimeoutMs: 60_000,
      upstreamIdleTimeoutMs: 60_000,
      upstreamMaxIdle: 10,
      upstreamVia: true,
      upstreamCaPem: "",
      upstreamServerName: null,
      upstreamProxyProtocol: "off" as const,
      upstreamCertificate: null,
    },
    limits: { maxHeadBytes: 65_536, maxFields: 100 },
    scratch: Buffer.alloc(1024 * 1024),
    responseHead: new ResponseHead(100),
    wheel,
    endOfTurn: new EndOfTurn(
      () => performance.now(),
      (error) => {
        throw error;
      },
    ),
    kernel: SocketKernel.of(null),
    counters: new Float64Array(64),
    block: { connects: new Float64Array(64), handshakes: new Float64Array(64), reuses: new Float64Array(4) },
  };
}

function endpointAt(port: number): Endpoint {
  return {
    slot: 0,
    id: 1,
    pool: 0,
    url: `http://a.example:${port}`,
    hostname: "a.example",
    address: "127.0.0.1",
    port,
    tls: false,
    http2: false,
  };
}

function http1(name: string, own: boolean): LegKind {
  const context = contextOf();
  const dial = createDial(networkOf(own).network);
  let server: Http1Server | undefined;
  let pool: Http1Upstream | undefined;
  const poolAt = (port: number): Http1Upstream => {
    pool = new Http1Upstream(endpointAt(port), context, dial);
    return pool;
  };
  return {
    name,
    multiplexes: false,
    context,
    async open() {
      server = await Http1Server.start();
      return poolAt(server.port);
    },
    unreachable: async () => poolAt(REFUSING_PORT),
    end: (index) => until(() => server?.ends[index]),
    get connections() {
      return server?.wires.length ?? 0;
    },
    clean() {
      pool?.retire();
      server?.stop();
    },
  };
}

function http2(name: string, own: boolean): LegKind {
  const context = contextOf();
  const dial = createDial(networkOf(own).network);
  let server: Http2Server | undefined;
  let pool: Http2Upstream | undefined;
  const poolAt = (port: number): Http2Upstream => {
    const endpoint = { ...endpointAt(port), url: `h2c://a.example:${port}`, http2: true };
    pool = new Http2Upstream(endpoint, context, dial, new Http2Coding());
    return pool;
  };
  return {
    name,
    multiplexes: true,
    context,
    async open() {
      server = await Http2Server.start();
      return poolAt(server.port);
    },
    unreachable: async () => poolAt(REFUSING_PORT),
    end: (index) => until(() => server?.ends[index]),
    get connections() {
      return server?.connections ?? 0;
    },
    clean() {
      pool?.retire();
      server?.stop();
    },
  };
}
