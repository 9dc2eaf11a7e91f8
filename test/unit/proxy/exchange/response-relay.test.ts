/** What a client's side is handed of a response, however the server's bytes are split. */
import { describe, expect, test } from "bun:test";
import type { ExchangeContext } from "../../../../src/proxy/exchange/context.ts";
import type { ProxiedRequest } from "../../../../src/proxy/exchange/request.ts";
import { Relay, ResponseRelay } from "../../../../src/proxy/exchange/response-relay.ts";
import type { UpstreamLeg } from "../../../../src/proxy/upstream/leg.ts";
import { response } from "../support.ts";

/** What of a client's side is used here. */
class Client {
  readonly queuedBytes = 0;
  readonly takesChunks: boolean;
  head = "";
  body = "";
  /** How often it was told that the body is complete, and the trailers that it was told then. */
  ends = 0;
  trailers: string | null = null;

  constructor(takesChunks: boolean) {
    this.takesChunks = takesChunks;
  }

  respond(head: Buffer, body: Buffer, start: number, end: number, complete: boolean): boolean {
    this.head = head.toString("latin1", 0, head.indexOf("\r\n"));
    this.body += body.toString("latin1", start, end);
    if (complete) this.ends++;
    return true;
  }

  sendAway(packet: Buffer, start: number, end: number): boolean {
    expect(this.ends).toBe(0);
    this.body += packet.toString("latin1", start, end);
    return true;
  }

  endBody(trailers: Buffer | null): void {
    this.ends++;
    this.trailers = trailers?.toString("latin1") ?? null;
  }
}

const wheel = { set() {}, clear() {} };

/** Relays a response whose body comes in packets: the first with its head, the rest `size` bytes each. */
function relay(client: Client, head: string, body: string, first: number, size: number) {
  const { buf, head: responseHead } = response(head + body.slice(0, first));
  const leg = { reusable: true } as UpstreamLeg;
  const request = {
    client,
    body: { done: true },
    target: { settings: {}, route: { compression: null } },
  } as unknown as ProxiedRequest;
  const under = new ResponseRelay({ responseHead, wheel } as unknown as ExchangeContext, request);
  expect(under.begin(buf, buf, responseHead.headEnd)).toBe(true);
  let state = under.respond(leg, buf, buf, responseHead.headEnd, 0);
  for (let at = first; at < body.length && state === Relay.MORE; at += size) {
    state = under.more(leg, Buffer.from(body.slice(at, at + size), "latin1"), 0);
  }
  return { relay: under, leg, state };
}

function everySplit(body: string, check: (first: number, size: number) => void): void {
  for (let first = 0; first <= body.length; first++) for (const size of [1, 2, 5, body.length]) check(first, size);
}

const CHUNKED_HEAD = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const CHUNKED = "3\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 5\r\nHost: x\r\nY:\r\n\r\n";

describe("a chunked response", () => {
  test("goes on as it came to whoever takes chunks, trailers in it", () => {
    const repaired = CHUNKED.replace("Host: x\r\n", "");
    everySplit(CHUNKED, (first, size) => {
      const client = new Client(true);
      expect(relay(client, CHUNKED_HEAD, CHUNKED, first, size).state).toBe(Relay.DONE);
      expect([client.body, client.ends, client.trailers]).toEqual([repaired, 1, null]);
    });
  });

  test("goes on without chunks to whoever takes none, and the trailers behind it that may be passed on", () => {
    everySplit(CHUNKED, (first, size) => {
      const client = new Client(false);
      const { relay: done, state } = relay(client, CHUNKED_HEAD, CHUNKED, first, size);
      expect([state, done.bytes]).toEqual([Relay.DONE, 5]);
      expect([client.body, client.ends, client.trailers]).toEqual(["abcde", 1, "X-Sum: 5\r\nY:\r\n"]);
    });
  });

  test("has no trailers where the server sent none", () => {
    const body = "3\r\nabc\r\n0\r\n\r\n";
    everySplit(body, (first, size) => {
      const client = new Client(false);
      expect(relay(client, CHUNKED_HEAD, body, first, size).state).toBe(Relay.DONE);
      expect([client.body, client.ends, client.trailers]).toEqual(["abc", 1, null]);
    });
  });

  test("that breaks its framing ends without an end", () => {
    const client = new Client(false);
    expect(relay(client, CHUNKED_HEAD, "3\r\nabc\r\n0\r\nX: \0\r\n\r\n", 4, 2).state).toBe(Relay.BROKEN);
    expect([client.body, client.ends]).toEqual(["abc", 0]);
  });
});

describe("the end of a response", () => {
  test("of a length is told once, and what follows it rules its connection out", () => {
    everySplit("abcde", (first, size) => {
      const client = new Client(true);
      const { state, leg } = relay(client, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "abcde", first, size);
      expect([client.body, client.ends, state, leg.reusable]).toEqual(["abcde", 1, Relay.DONE, true]);
    });
    const client = new Client(true);
    const { leg } = relay(client, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "abcdeHTTP", 3, 6);
    expect([client.body, client.ends, leg.reusable]).toEqual(["abcde", 1, false]);
  });

  test("without a body comes with its head", () => {
    for (const head of ["HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"]) {
      const client = new Client(true);
      expect(relay(client, head, "", 0, 1).state).toBe(Relay.DONE);
      expect([client.head, client.ends]).toEqual([head.slice(0, head.indexOf("\r\n")), 1]);
    }
  });

  test("until the connection ends is told by that", () => {
    const client = new Client(true);
    const { relay: open, leg, state } = relay(client, "HTTP/1.1 200 OK\r\n\r\n", "abcde", 2, 2);
    expect([state, client.body, client.ends]).toEqual([Relay.MORE, "abcde", 0]);
    expect(open.endWithConnection(leg)).toBe(true);
    expect([client.ends, client.trailers]).toEqual([1, null]);
  });

  test("is not told by the connection's where there was more to come", () => {
    const client = new Client(true);
    const { relay: open, leg } = relay(client, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "abcde", 2, 2);
    expect(open.endWithConnection(leg)).toBe(false);
    expect(client.ends).toBe(0);
  });
});
