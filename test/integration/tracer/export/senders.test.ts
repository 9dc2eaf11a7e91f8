/** One try to hand spans to a collector, over real sockets and both protocols, to collectors good and bad. */
import { afterAll, describe, expect, test } from "bun:test";
import { createServer, type Server, type Socket } from "node:net";
import { Metadata, status } from "@grpc/grpc-js";
import { ExportRequests } from "../../../../src/tracer/encode/export-request.ts";
import { SpanEncoder } from "../../../../src/tracer/encode/spans.ts";
import { GrpcSender } from "../../../../src/tracer/export/grpc-sender.ts";
import { HttpSender } from "../../../../src/tracer/export/http-sender.ts";
import type { Sender, SendResult } from "../../../../src/tracer/export/sender.ts";
import { TraceNames } from "../../../../src/tracer/names.ts";
import { createAuthority } from "../../../support/certificates.ts";
import {
  type Collector,
  type GrpcAnswer,
  startGrpcCollector,
  startHttpCollector,
} from "../../../support/tracing/collectors.ts";
import { encodeResponse } from "../../../support/tracing/decode.ts";
import { TRACED_NAMES, traceRow } from "../../../support/tracing/records.ts";

const WALL_MS = Date.parse("2026-01-01T00:00:00Z");
const REQUEST = (() => {
  const spans: Uint8Array[] = [];
  new SpanEncoder(new TraceNames(TRACED_NAMES), null).encode(
    traceRow({ attempts: [{}] }),
    0,
    (span) => void spans.push(span),
  );
  return new ExportRequests({ "service.name": "test" }, { name: "neurabalancer", version: "1" }).of(spans);
})();

const closing: (() => unknown)[] = [];
afterAll(async () => {
  for (const close of closing) await close();
});

function opened<T extends { stop: () => unknown }>(collector: T): T {
  closing.push(() => collector.stop());
  return collector;
}

type Options = Partial<ConstructorParameters<typeof HttpSender>[0]>;

const PROTOCOLS = ["http/protobuf", "grpc"] as const;
type Protocol = (typeof PROTOCOLS)[number];

function sender(protocol: Protocol, endpoint: string, of: Options = {}): Sender {
  const options = {
    headers: {},
    compression: "none",
    caPem: null,
    certificate: null,
    userAgent: "nb/1",
    ...of,
  } as const;
  const made =
    protocol === "grpc"
      ? new GrpcSender({ ...options, endpoint, wallMs: () => Date.now() })
      : new HttpSender({ ...options, endpoint, fetch, wallMs: () => WALL_MS });
  closing.push(() => made.close());
  return made;
}

/** Both protocols' ways to say the same. */
async function collector(
  protocol: Protocol,
  answer?: "hang" | { http: () => Response; grpc: GrpcAnswer },
  tls?: Parameters<typeof startHttpCollector>[1],
): Promise<Collector> {
  if (protocol === "grpc") {
    const own = answer === undefined ? null : answer === "hang" ? answer : answer.grpc;
    return opened(await startGrpcCollector(() => own, tls));
  }
  const http = () => {
    if (answer === undefined) return null;
    return answer === "hang" ? new Promise<Response>(() => {}) : answer.http();
  };
  return opened(startHttpCollector(http, tls));
}

function placeOf(protocol: Protocol, port: number, scheme = "http"): string {
  return `${scheme}://127.0.0.1:${port}${protocol === "grpc" ? "" : "/v1/traces"}`;
}

const TAKEN: SendResult = { kind: "taken", rejectedSpans: 0, message: "" };

describe.each(PROTOCOLS)("%s", (protocol) => {
  test("hands over spans, with the fields that were asked for", async () => {
    const { port, received } = await collector(protocol);
    const to = sender(protocol, placeOf(protocol, port), { headers: { authorization: "Bearer x" } });
    expect(await to.send(REQUEST, 10_000)).toEqual(TAKEN);
    expect(received).toHaveLength(1);
    expect(received[0].headers).toMatchObject({
      authorization: "Bearer x",
      "user-agent": expect.stringContaining("nb/1"),
    });
    expect(received[0].decoded).toMatchObject({
      resource: { "service.name": "test" },
      scope: { name: "neurabalancer", version: "1" },
      spans: [{ name: "GET shop-pages" }, { name: "GET" }],
    });
    if (protocol === "http/protobuf") expect(received[0].path).toBe("/v1/traces");
  });

  test("compressed", async () => {
    const { port, spans } = await collector(protocol);
    expect(await sender(protocol, placeOf(protocol, port), { compression: "gzip" }).send(REQUEST, 10_000)).toEqual(
      TAKEN,
    );
    expect(spans()).toHaveLength(2);
  });

  test("partial success says how many were not wanted", async () => {
    const response = encodeResponse(1, "no");
    const { port } = await collector(protocol, {
      http: () => new Response(new Uint8Array(response)),
      grpc: { response },
    });
    expect(await sender(protocol, placeOf(protocol, port)).send(REQUEST, 10_000)).toEqual({
      kind: "taken",
      rejectedSpans: 1,
      message: "no",
    });
  });

  test("nobody there: later", async () => {
    const result = await sender(protocol, placeOf(protocol, 1)).send(REQUEST, 10_000);
    expect(result).toMatchObject({ kind: "later", afterMs: null });
  });

  test("one that says nothing: later, and in time", async () => {
    const { port } = await collector(protocol, "hang");
    expect(await sender(protocol, placeOf(protocol, port)).send(REQUEST, 200)).toMatchObject({ kind: "later" });
  });

  test("one that takes the connection and reads nothing: later, and in time", async () => {
    const { port } = await deaf();
    const large = Buffer.concat(Array.from({ length: 40_000 }, () => REQUEST));
    expect(await sender(protocol, placeOf(protocol, port)).send(large, 300)).toMatchObject({ kind: "later" });
  });

  test("rubbish: refused", async () => {
    const response = Buffer.from("<html>welcome</html>");
    const { port } = await collector(protocol, {
      http: () => new Response("<html>welcome</html>"),
      grpc: { response },
    });
    const result = await sender(protocol, placeOf(protocol, port)).send(REQUEST, 10_000);
    expect(result).toMatchObject({ kind: "refused", reason: expect.stringContaining("no response of OTLP") });
  });

  test("what repeats the fields that it was sent gives none of them away", async () => {
    const details = "denied: authorization: Bearer SECRET-of-ours";
    const response = encodeResponse(1, details);
    const headers = { authorization: "Bearer SECRET-of-ours" };
    const refusing = await collector(protocol, {
      http: () => new Response(details, { status: 401 }),
      grpc: { error: { code: status.UNAUTHENTICATED, details } },
    });
    const taking = await collector(protocol, {
      http: () => new Response(new Uint8Array(response)),
      grpc: { response },
    });
    for (const { port } of [refusing, taking]) {
      const said = JSON.stringify(await sender(protocol, placeOf(protocol, port), { headers }).send(REQUEST, 10_000));
      expect(said).toContain("denied: authorization: ****");
      expect(said).not.toContain("SECRET");
    }
  });

  test("a megabyte of response: refused", async () => {
    const response = Buffer.alloc(1_000_000);
    const { port } = await collector(protocol, {
      http: () => new Response(new Uint8Array(response)),
      grpc: { response },
    });
    expect(await sender(protocol, placeOf(protocol, port)).send(REQUEST, 10_000)).toMatchObject({ kind: "refused" });
  });

  test("TLS: an authority that is known, one that is not, and a certificate of our own", async () => {
    const authority = createAuthority();
    const own = authority.issue("IP:127.0.0.1", "DNS:localhost");
    const { port, spans } = await collector(protocol, undefined, own);
    const place = placeOf(protocol, port, "https");
    expect(await sender(protocol, place, { caPem: authority.cert }).send(REQUEST, 10_000)).toEqual(TAKEN);
    expect(spans()).toHaveLength(2);
    expect(await sender(protocol, place).send(REQUEST, 3_000)).toMatchObject({ kind: "later" });
    expect(await sender(protocol, place, { caPem: createAuthority("other").cert }).send(REQUEST, 3_000)).toMatchObject({
      kind: "later",
    });
    const named = place.replace("127.0.0.1", "localhost");
    expect(await sender(protocol, named, { caPem: authority.cert }).send(REQUEST, 10_000)).toEqual(TAKEN);
    expect(spans()).toHaveLength(4);
    const foreign = await collector(protocol, undefined, authority.issue("DNS:other.test", "IP:127.0.0.2"));
    for (const host of ["127.0.0.1", "localhost"]) {
      const other = placeOf(protocol, foreign.port, "https").replace("127.0.0.1", host);
      expect(await sender(protocol, other, { caPem: authority.cert }).send(REQUEST, 3_000)).toMatchObject({
        kind: "later",
      });
    }
    expect(foreign.spans()).toHaveLength(0);
    const strict = await collector(protocol, undefined, { ...own, ca: authority.cert });
    const there = placeOf(protocol, strict.port, "https");
    const client = authority.issue("DNS:balancer.test");
    const certificate = { certPem: client.cert, keyPem: client.key };
    expect(await sender(protocol, there, { caPem: authority.cert, certificate }).send(REQUEST, 10_000)).toEqual(TAKEN);
    expect(await sender(protocol, there, { caPem: authority.cert }).send(REQUEST, 3_000)).not.toEqual(TAKEN);
  });
});

describe("http/protobuf", () => {
  const answered = async (response: () => Response) => {
    const { port } = opened(startHttpCollector(response));
    return sender("http/protobuf", placeOf("http/protobuf", port)).send(REQUEST, 10_000);
  };

  test.each([429, 502, 503, 504])("%d: later, and when if it says so", async (code) => {
    const of = (after?: string) =>
      answered(() => new Response("", { status: code, headers: after === undefined ? {} : { "retry-after": after } }));
    expect(await of()).toEqual({ kind: "later", afterMs: null, reason: `it answered ${code}` });
    expect(await of("7")).toMatchObject({ afterMs: 7_000 });
    expect(await of(new Date(WALL_MS + 9_000).toUTCString())).toMatchObject({ afterMs: 9_000 });
    expect(await of("99999999999999999")).toMatchObject({ afterMs: 300_000 });
    expect(await of("soon")).toMatchObject({ afterMs: null });
  });

  test.each([400, 401, 404, 413, 500, 501])("%d: refused, with what it says", async (code) => {
    expect(await answered(() => new Response("because\u0007 of\nthat", { status: code }))).toEqual({
      kind: "refused",
      reason: `it answered ${code}: because of that`,
    });
  });

  test("an endpoint's query is in no reason", async () => {
    const upgrading = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => socket.end("HTTP/1.1 101 Other\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"));
    });
    await new Promise<void>((resolve) => upgrading.listen(0, "127.0.0.1", resolve));
    closing.push(() => upgrading.close());
    const { port } = upgrading.address() as { port: number };
    const place = `${placeOf("http/protobuf", port)}?key=SECRET`;
    const result = await sender("http/protobuf", place).send(REQUEST, 10_000);
    expect(result).toMatchObject({ kind: "later", reason: expect.stringMatching(/\w/) });
    expect(JSON.stringify(result)).not.toMatch(/SECRET|verbose/);
  });

  test("a redirect is not followed", async () => {
    const other = opened(startHttpCollector());
    const location = placeOf("http/protobuf", other.port);
    const result = await answered(() => new Response(null, { status: 307, headers: { location } }));
    expect(result).toMatchObject({ kind: "refused", reason: expect.stringContaining("redirects are not followed") });
    expect(other.received).toHaveLength(0);
  });
});

describe("grpc", () => {
  const answered = async (code: status, metadata?: Metadata) => {
    const { port } = opened(
      await startGrpcCollector(() => ({ error: { code, details: "why", ...(metadata ? { metadata } : {}) } })),
    );
    return sender("grpc", placeOf("grpc", port)).send(REQUEST, 10_000);
  };

  test.each([
    status.UNAVAILABLE,
    status.ABORTED,
    status.CANCELLED,
    status.DEADLINE_EXCEEDED,
    status.DATA_LOSS,
    status.OUT_OF_RANGE,
  ])("status %d: later", async (code) => {
    expect(await answered(code)).toEqual({ kind: "later", afterMs: null, reason: `${status[code]}: why` });
  });

  test.each([status.INVALID_ARGUMENT, status.UNAUTHENTICATED, status.UNIMPLEMENTED, status.RESOURCE_EXHAUSTED])(
    "status %d: refused",
    async (code) => {
      expect(await answered(code)).toEqual({ kind: "refused", reason: `${status[code]}: why` });
    },
  );

  test("RESOURCE_EXHAUSTED with RetryInfo: later, when it says", async () => {
    const metadata = new Metadata();
    const details =
      "0808 1a30 0a28 747970652e676f6f676c65617069732e636f6d2f676f6f676c652e7270632e5265747279496e666f 1204 0a02 0803";
    metadata.set("grpc-status-details-bin", Buffer.from(details.replaceAll(" ", ""), "hex"));
    expect(await answered(status.RESOURCE_EXHAUSTED, metadata)).toMatchObject({ kind: "later", afterMs: 3_000 });
  });
});

/** Takes connections and reads nothing. */
async function deaf(): Promise<{ readonly port: number }> {
  const sockets: Socket[] = [];
  const server: Server = createServer((socket) => {
    socket.on("error", () => {});
    socket.pause();
    sockets.push(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as { port: number }).port };
}
