/** Heads as they are written for the other side; what the wire tests show in whole, here at its edges. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { copyBytes, equalBytes, sameBytes, writeInteger } from "../../../../src/proxy/http1/copy.ts";
import { Peer, type RequestRewrite, writeRequestHead } from "../../../../src/proxy/rewrite/request.ts";
import { ClientConnectionHeader, writeResponseHead } from "../../../../src/proxy/rewrite/response.ts";
import { TrustedProxies } from "../../../../src/proxy/rewrite/trusted-proxies.ts";
import { request, response } from "../support.ts";

const NOBODY = new TrustedProxies([]);
const IDS = Buffer.from("a".repeat(32));
const OUT = Buffer.alloc(300_000);

function forwarded(text: string, how: Partial<RequestRewrite> = {}, via = true): string {
  const { buf, head } = request(text);
  const rewrite: RequestRewrite = {
    peer: new Peer("9.9.9.9", false, NOBODY),
    pathPrefix: Buffer.alloc(0),
    pathStart: head.pathStart,
    pathEnd: head.targetEnd,
    host: null,
    fallbackHost: Buffer.from("fallback:81"),
    edits: null,
    ids: IDS,
    keepRequestId: false,
    traceparent: null,
    keepTraceState: false,
    upgrade: head.upgrade,
    ...how,
  };
  return OUT.toString("latin1", 0, writeRequestHead(OUT, buf, head, rewrite, via));
}

const ADDED =
  'X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: a\r\nForwarded: for=9.9.9.9;host="a";proto=http\r\n' +
  `Via: 1.1 neurabalancer\r\nX-Request-Id: ${"a".repeat(32)}\r\n\r\n`;

describe("requests", () => {
  test("the whole head, exactly", () => {
    expect(forwarded("GET /x?y HTTP/1.1\r\nHost: a\r\nA: 1\r\n\r\n")).toBe(
      `GET /x?y HTTP/1.1\r\nHost: a\r\nA: 1\r\n${ADDED}`,
    );
  });

  test("what the client says of traces passes, unless there is something to say", () => {
    const lines = "Traceparent: x\r\nA: 1\r\ntracestate: b=2\r\nbaggage: c=3\r\ntracestate: d=4\r\n";
    const head = `GET / HTTP/1.1\r\nHost: a\r\n${lines}\r\n`;
    expect(forwarded(head)).toBe(`GET / HTTP/1.1\r\nHost: a\r\n${lines}${ADDED}`);
    const traceparent = Buffer.from(`00-${"a".repeat(32)}-${"b".repeat(16)}-01`);
    const added = ADDED.replace(/\r\n$/, `traceparent: ${traceparent}\r\n\r\n`);
    expect(forwarded(head, { traceparent })).toBe(`GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\nbaggage: c=3\r\n${added}`);
    expect(forwarded(head, { traceparent, keepTraceState: true })).toBe(
      `GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\ntracestate: b=2\r\nbaggage: c=3\r\ntracestate: d=4\r\n${added}`,
    );
  });

  test("dropped fields first, last, adjacent and alone", () => {
    const drop = "Connection: X, close\r\n";
    const x = "X: 1\r\n";
    for (const [lines, kept] of [
      [`${drop}${x}Host: a\r\nB: 2\r\n`, "Host: a\r\nB: 2\r\n"],
      [`Host: a\r\n${x}${x}B: 2\r\n${drop}`, "Host: a\r\nB: 2\r\n"],
      [`Host: a\r\n${drop}B: 2\r\n${x}C: 3\r\n`, "Host: a\r\nB: 2\r\nC: 3\r\n"],
      [`${drop}Host: a\r\n${x}`, "Host: a\r\n"],
    ]) {
      expect(forwarded(`GET / HTTP/1.1\r\n${lines}\r\n`)).toBe(`GET / HTTP/1.1\r\n${kept}${ADDED}`);
    }
  });

  test("fields that are not dropped stay as they came, whatever surrounds them", () => {
    const dropped = [
      "Keep-Alive: 1",
      "TE: x",
      "X-Forwarded-For: 1",
      "Forwarded: x",
      "Proxy-Connection: x",
      "X-Listed: 1",
    ];
    const kept = ["A: 1", "b:2", "C:  x \t", "Cookie: a", "X-Listed-Not: 1", "Accept: */*", "Trailer: x"];
    const line = fc.oneof(fc.constantFrom(...kept), fc.constantFrom(...dropped));
    fc.assert(
      fc.property(fc.array(line, { maxLength: 20 }), (lines) => {
        const text = lines.map((l) => `${l}\r\n`).join("");
        const stay = lines
          .filter((l) => kept.includes(l))
          .map((l) => `${l}\r\n`)
          .join("");
        const head = `GET / HTTP/1.1\r\nHost: a\r\nConnection: x-listed\r\n${text}\r\n`;
        expect(forwarded(head)).toBe(`GET / HTTP/1.1\r\nHost: a\r\n${stay}${ADDED}`);
      }),
    );
  });

  test("an IPv6 peer is quoted in Forwarded, and a mapped IPv4 address is IPv4", () => {
    const six = forwarded("GET / HTTP/1.1\r\nHost: a\r\n\r\n", { peer: new Peer("2001:db8::1", true, NOBODY) });
    expect(six).toContain("X-Forwarded-For: 2001:db8::1\r\nX-Forwarded-Proto: https\r\n");
    expect(six).toContain('Forwarded: for="[2001:db8::1]";host="a";proto=https\r\n');
    expect(new Peer("::ffff:1.2.3.4", false, NOBODY).address).toBe("1.2.3.4");
  });

  test("the fields kept for a connection follow its requests' hosts and versions", () => {
    const peer = new Peer("9.9.9.9", false, NOBODY);
    const via = (text: string) => forwarded(text, { peer });
    for (let i = 0; i < 2; i++) {
      expect(via("GET / HTTP/1.1\r\nHost: a\r\n\r\n")).toContain('host="a";');
      expect(via("GET / HTTP/1.1\r\nHost: bb\r\n\r\n")).toContain('host="bb";');
      expect(via("GET / HTTP/1.0\r\nHost: bb\r\n\r\n")).toContain("Via: 1.0 ");
      expect(via("GET / HTTP/1.0\r\n\r\n")).not.toContain("X-Forwarded-Host");
    }
  });
});

describe("responses", () => {
  const DATE = Buffer.from("Date: now\r\n");
  const passed = (text: string, connection: ClientConnectionHeader, dechunk = false) => {
    const { buf, head } = response(text);
    return OUT.toString("latin1", 3, writeResponseHead(OUT, 3, buf, head, connection, dechunk, DATE, null));
  };
  const { NONE, CLOSE, KEEP_ALIVE } = ClientConnectionHeader;

  test("the whole head, exactly, with each fate of the connection", () => {
    const text = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    const head = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nDate: now\r\n";
    expect(passed(text, NONE)).toBe(`${head}\r\n`);
    expect(passed(text, CLOSE)).toBe(`${head}Connection: close\r\n\r\n`);
    expect(passed(text, KEEP_ALIVE)).toBe(`${head}Connection: keep-alive\r\n\r\n`);
  });

  test("an empty or a missing reason", () => {
    expect(passed("HTTP/1.1 200\r\nDate: x\r\n\r\n", NONE)).toStartWith("HTTP/1.1 200 \r\nDate: x\r\n");
    expect(passed("HTTP/1.1 200 \r\nDate: x\r\n\r\n", NONE)).toStartWith("HTTP/1.1 200 \r\nDate: x\r\n");
  });

  test("without chunks there is no announcement of them, nor of trailers", () => {
    const text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: a\r\nDate: x\r\nA: 1\r\n\r\n";
    expect(passed(text, CLOSE, true)).toBe("HTTP/1.1 200 OK\r\nDate: x\r\nA: 1\r\nConnection: close\r\n\r\n");
  });
});

describe("copying", () => {
  test("integers of any size", () => {
    fc.assert(
      fc.property(fc.oneof(fc.nat(), fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })), (value) => {
        expect(OUT.toString("latin1", 2, writeInteger(OUT, 2, value))).toBe(`${value}`);
      }),
    );
  });

  test("ranges of any size, and their comparison", () => {
    const src = Buffer.from(Array.from({ length: 100 }, (_, i) => i));
    for (const length of [0, 1, 24, 25, 90]) {
      const end = copyBytes(OUT, 7, src, 5, 5 + length);
      expect(end).toBe(7 + length);
      expect(equalBytes(OUT, 7, end, src.subarray(5, 5 + length))).toBe(true);
      expect(sameBytes(OUT, 7, src, 5, length)).toBe(true);
      for (let wrong = 0; wrong < length; wrong++) {
        OUT[7 + wrong] ^= 0x80;
        expect(sameBytes(OUT, 7, src, 5, length)).toBe(false);
        OUT[7 + wrong] ^= 0x80;
      }
      if (length > 0) expect(equalBytes(OUT, 7, end, src.subarray(6, 6 + length))).toBe(false);
    }
  });
});
