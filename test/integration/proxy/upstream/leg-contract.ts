/**
 * What every leg to a server does, whatever protocol it speaks and however many share its connection
 * (src/proxy/upstream/leg.ts).
 */
import { afterEach, describe, expect, test } from "bun:test";
import { BodyKind } from "../../../../src/proxy/http1/head.ts";
import type { UpstreamContext } from "../../../../src/proxy/upstream/context.ts";
import type { Upstream } from "../../../../src/proxy/upstream/leg.ts";
import { until } from "../../../support/until.ts";
import { LegUser } from "./leg-user.ts";
import { requestOf } from "./request.ts";

/** The server's end of one leg, in its protocol's own way. */
export interface ServersEnd {
  /** Bytes of the request's body so far, without framing. */
  readonly bodyBytes: number;
  /** Reads the head and the body of the request. */
  request(): Promise<{ readonly head: string; readonly body: string; readonly trailers: string }>;
  /** Reads the head alone. */
  head(): Promise<string>;
  /** Sends a head; with a body there is a `Content-Length` among its field lines. */
  respond(status: number, fields?: string): void;
  /** Sends bytes of the body, or of a tunnel. */
  send(data: string | Uint8Array): void;
  /** Ends the response in order. @param trailers field lines, where the protocol has a place for them. */
  finish(trailers?: string): void;
  /** Breaks the leg off. */
  reset(): void;
  /** Takes nothing more of the request, and goes on. */
  stopReading(): void;
  goOnReading(): void;
  /** What a tunnel's client has sent. */
  readonly text: string;
  /** How the client ended its direction. */
  readonly ended: "end" | "reset" | null;
}

/** One server, reached in one protocol. */
export interface LegKind {
  readonly name: string;
  /** Several legs are on one connection. */
  readonly multiplexes: boolean;
  readonly context: UpstreamContext;
  /** A pool for a server that is there. */
  open(): Promise<Upstream>;
  /** A pool for one that is not. */
  unreachable(): Promise<Upstream>;
  /** The server's end of the `index`th request. */
  end(index: number): Promise<ServersEnd>;
  /** Connections that were made so far. */
  readonly connections: number;
  clean(): void;
}

const SIZE = 16 * 1024 * 1024;

/** @param kind one of those that the proxy has, or will have. */
export function legContract(kind: LegKind): void {
  const { context } = kind;
  const { wheel } = context;
  const now = (): number => performance.now();

  /** A leg on which a request has been sent. */
  const asked = async (pool: Upstream, request = requestOf("GET / HTTP/1.1\r\nHost: a\r\n\r\n")) => {
    const user = new LegUser(context);
    const leg = pool.acquire(user, true, false, now());
    expect(user.heard).toEqual([]); // not before its user holds it
    if (!leg.ready) await until(() => user.heard.includes("ready"));
    expect(leg.ready).toBe(true);
    expect(leg.sendRequest(request)).toBeNull();
    user.heard.length = 0;
    return { user, leg, request };
  };

  /** Two at once. */
  const twoAsked = async (pool: Upstream) => {
    const first = await asked(pool);
    const servers = [await kind.end(0)];
    const second = await asked(pool);
    servers.push(await kind.end(1));
    for (const server of servers) await server.request();
    return { first, second, servers };
  };

  describe(kind.name, () => {
    afterEach(() => kind.clean());

    test("a server that is not there: nothing was sent, and it is said later", async () => {
      const pool = await kind.unreachable();
      const user = new LegUser(context);
      const leg = pool.acquire(user, true, false, now());
      expect(user.heard).toEqual([]);
      expect(leg.ready).toBe(false);
      await until(() => user.heard.length > 0);
      expect(user.heard).toEqual(["failed connect_refused, nothing sent"]);
      leg.reset();
      expect(user.heard).toHaveLength(1);
    });

    test("a request and its response", async () => {
      const pool = await kind.open();
      const request = requestOf("POST /path?q HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\n", "hello");
      const { user, leg } = await asked(pool, request);
      const server = await kind.end(0);
      const got = await server.request();
      expect(got.head).toStartWith("POST /path?q HTTP/1.1\r\n");
      expect(got.head).toContain("Host: a.example\r\n");
      expect(got.body).toBe("hello");
      server.respond(200, "Content-Length: 5\r\nX-Field: of the server\r\n");
      server.send("world");
      await until(() => user.body === "world");
      expect(user.heads).toEqual([{ status: 200, bodyKind: BodyKind.LENGTH, contentLength: 5 }]);
      expect(user.headText.toLowerCase()).toContain("x-field: of the server\r\n");
      // Where trailers might have followed, that there is nothing more is told as well.
      expect(user.heard.filter((what) => what !== "data" && what !== "end")).toEqual(["head"]);
      expect([leg.reusable, leg.gone, leg.queuedBytes, leg.trailers]).toEqual([true, false, 0, null]);
      leg.release(now());
    });

    test("what was released serves the next request", async () => {
      const pool = await kind.open();
      for (let i = 0; i < 3; i++) {
        const { user, leg } = await asked(pool);
        const server = await kind.end(i);
        await server.request();
        server.respond(200, "Content-Length: 1\r\n");
        server.send(String(i));
        await until(() => user.body === String(i));
        leg.release(now());
      }
      expect(kind.connections).toBe(1);
    });

    test("what is not to be used again, and what is wanted fresh, is another connection", async () => {
      const pool = await kind.open();
      const { user, leg } = await asked(pool);
      const server = await kind.end(0);
      await server.request();
      server.respond(204);
      await until(() => user.heads.length === 1);
      leg.release(now());
      const fresh = pool.acquire(new LegUser(context), true, true, now());
      await until(() => kind.connections === 2);
      fresh.reset();
    });

    test("two at once do not meet, in whatever order their responses come", async () => {
      const pool = await kind.open();
      const { first, second, servers } = await twoAsked(pool);
      servers[1].respond(200, "Content-Length: 6\r\n");
      servers[1].send("second");
      await until(() => second.user.body === "second");
      expect(first.user.heard).toEqual([]);
      servers[0].respond(200, "Content-Length: 5\r\n");
      servers[0].send("first");
      await until(() => first.user.body === "first");
      expect(second.user.body).toBe("second");
      expect(kind.connections).toBe(kind.multiplexes ? 1 : 2);
    });

    test("a large body that came with the head arrives whole", async () => {
      const pool = await kind.open();
      const body = "b".repeat(300_000);
      const request = requestOf("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n", body);
      await asked(pool, request);
      expect((await (await kind.end(0)).request()).body).toBe(body);
    });

    test("a body that follows, no faster than the server takes it", async () => {
      const pool = await kind.open();
      const request = requestOf(`PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: ${SIZE}\r\n\r\n`, "", false);
      const { user, leg } = await asked(pool, request);
      const server = await kind.end(0);
      await server.head();
      server.stopReading();
      const piece = Buffer.alloc(256 * 1024, "p");
      let sent = 0;
      for (; sent < SIZE; sent += piece.length) expect(leg.send(piece, 0, piece.length, false)).toBe(true);
      leg.endBody(null);
      expect(leg.queuedBytes).toBeGreaterThan(0);
      expect(server.bodyBytes).toBeLessThan(SIZE);
      server.goOnReading();
      await until(() => leg.queuedBytes === 0 && server.bodyBytes === SIZE);
      await until(() => user.heard.includes("drain"));
    });

    test("chunks, and trailers behind them, get there", async () => {
      const pool = await kind.open();
      const chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n";
      const { leg } = await asked(pool, requestOf(chunked, "3\r\none\r\n", false));
      const rest = Buffer.from("4\r\n two\r\n0\r\nX-Sum: 7\r\n\r\n");
      for (let i = 0; i < rest.length; i++) expect(leg.send(rest, i, i + 1, false)).toBe(true);
      leg.endBody(null);
      const got = await (await kind.end(0)).request();
      expect([got.body, got.trailers]).toEqual(["one two", "X-Sum: 7\r\n"]);
    });

    test("interim heads come before the final one, each by itself", async () => {
      const pool = await kind.open();
      const { user } = await asked(pool);
      const server = await kind.end(0);
      await server.request();
      server.respond(100);
      server.respond(103, "Link: </a.css>\r\n");
      server.respond(404, "Content-Length: 2\r\n");
      server.send("no");
      await until(() => user.body === "no");
      expect(user.heads.map(({ status }) => status)).toEqual([100, 103, 404]);
    });

    test("a body without a length lasts until its end", async () => {
      const pool = await kind.open();
      const { user, leg } = await asked(pool);
      const server = await kind.end(0);
      await server.request();
      server.respond(200);
      server.send("all there is");
      server.finish();
      await until(() => user.heard.includes("end"));
      expect(user.heads[0].bodyKind).toBe(BodyKind.UNTIL_CLOSE);
      expect(user.body).toBe("all there is");
      expect(leg.trailers).toBeNull();
      leg.release(now());
    });

    const testMultiplexed = kind.multiplexes ? test : () => {};
    testMultiplexed("trailers behind a body that has no place for them", async () => {
      const pool = await kind.open();
      const { user, leg } = await asked(pool);
      const server = await kind.end(0);
      await server.request();
      server.respond(200);
      server.send("body");
      await until(() => user.body === "body");
      expect(leg.mayHaveTrailers).toBe(true);
      server.finish("X-Sum: 4\r\n");
      await until(() => user.heard.includes("end"));
      expect(String(leg.trailers).toLowerCase()).toBe("x-sum: 4\r\n");
      expect(leg.mayHaveTrailers).toBe(false);
    });

    test("nothing of a request is left for the one that comes after it", async () => {
      const pool = await kind.open();
      const chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
      const requests = [
        () => requestOf(chunked, "3\r\none\r\n0\r\nX-Sum: 3\r\n\r\n"),
        () => requestOf("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"),
        () => requestOf("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        () => requestOf("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n", "four"),
      ];
      for (let i = 0; i < 4 * requests.length; i++) {
        const { user, leg } = await asked(pool, requests[i % requests.length]());
        const told = [leg.reusable, leg.gone, leg.queuedBytes, leg.trailers, leg.tlsMs];
        expect(told).toEqual([true, false, 0, null, Number.NaN]);
        const server = await kind.end(i);
        const { head, body } = await server.request();
        expect(body).toBe({ 0: "one", 3: "four" }[i % requests.length] ?? "");
        leg.pauseReading();
        const length = head.startsWith("HEAD") ? 0 : 100_000 + i;
        // Where one request has a connection for itself, that would be the end of it.
        const trailers = kind.multiplexes && length > 0;
        server.respond(200, `${trailers ? "" : `Content-Length: ${length}\r\n`}X-Turn: ${i}\r\n`);
        if (length > 0) server.send(Buffer.alloc(length, String(i % 10)));
        if (kind.multiplexes) server.finish(trailers ? "X-Sum: 1\r\n" : "");
        leg.resumeReading();
        await until(
          () => user.heads.length === 1 && user.bytes === length && (!trailers || user.heard.includes("end")),
        );
        expect(user.headText.toLowerCase()).toContain(`x-turn: ${i}\r\n`);
        expect(user.body).toBe(String(i % 10).repeat(length));
        wheel.set(leg, now() + 60_000);
        leg.release(now());
      }
    });

    test("a response to HEAD has no body", async () => {
      const pool = await kind.open();
      const { user } = await asked(pool, requestOf("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"));
      const server = await kind.end(0);
      await server.request();
      server.respond(200, "Content-Length: 10\r\n");
      await until(() => user.heads.length === 1);
      expect(user.heads[0].bodyKind).toBe(BodyKind.NONE);
    });

    test("is told nothing while it is paused, and everything afterwards", async () => {
      const pool = await kind.open();
      const { user, leg } = await asked(pool);
      const server = await kind.end(0);
      await server.request();
      server.respond(200, `Content-Length: ${SIZE}\r\n`);
      await until(() => user.heads.length === 1);
      const before = user.bytes;
      leg.pauseReading();
      server.send(Buffer.alloc(SIZE, "x"));
      // By the time that another has been served, this one would have heard.
      const other = await asked(pool);
      const otherServer = await kind.end(1);
      await otherServer.request();
      otherServer.respond(200, "Content-Length: 1\r\n");
      otherServer.send("1");
      await until(() => other.user.body === "1");
      expect(user.bytes).toBe(before);
      leg.resumeReading();
      await until(() => user.bytes === SIZE);
    });

    test("a server that goes before its head has failed; it may have seen the request", async () => {
      const pool = await kind.open();
      const { user, leg } = await asked(pool);
      const server = await kind.end(0);
      await server.request();
      server.reset();
      await until(() => user.heard.length > 0);
      expect(user.heard).toEqual(["failed closed_before_response"]);
      leg.reset();
    });

    test("a server that goes behind its head has broken off", async () => {
      const pool = await kind.open();
      const { user, leg } = await asked(pool);
      const server = await kind.end(0);
      await server.request();
      server.respond(200, "Content-Length: 100\r\n");
      server.send("begun");
      await until(() => user.body === "begun");
      server.reset();
      await until(() => user.heard.includes("broken"));
      expect(user.heard.filter((what) => what !== "data")).toEqual(["head", "broken"]);
      leg.reset();
    });

    test("is reset, which the server sees, and heard of no more", async () => {
      const pool = await kind.open();
      const { first, second, servers } = await twoAsked(pool);
      first.leg.reset();
      first.leg.reset();
      await until(() => servers[0].ended === "reset");
      expect(first.user.heard).toEqual([]);
      expect(first.leg.gone).toBe(true);
      expect(first.leg.send(Buffer.from("x"), 0, 1, true)).toBe(false);
      // Whoever shares its connection is not concerned.
      servers[1].respond(200, "Content-Length: 2\r\n");
      servers[1].send("ok");
      await until(() => second.user.body === "ok");
    });

    test("is given up while it is made, and heard of no more", async () => {
      const pool = await kind.open();
      const user = new LegUser(context);
      const leg = pool.acquire(user, true, false, now());
      expect(leg.ready).toBe(false);
      leg.reset();
      const { user: next } = await asked(pool);
      const server = await kind.end(0);
      await server.request();
      server.respond(204);
      await until(() => next.heads.length === 1);
      expect(user.heard).toEqual([]);
    });

    test("its deadline is its user's", async () => {
      const pool = await kind.open();
      const { user, leg } = await asked(pool);
      const at = now() + 5000;
      wheel.set(leg, at);
      wheel.clear(leg);
      wheel.advance(at + 1000);
      expect(user.heard).toEqual([]);
      wheel.set(leg, at + 2000);
      wheel.advance(at + 3000);
      expect(user.heard).toEqual(["deadline"]);
      leg.reset();
    });

    test("another user may take it over", async () => {
      const pool = await kind.open();
      const { user, leg } = await asked(pool);
      const server = await kind.end(0);
      await server.request();
      server.respond(200, "Content-Length: 8\r\n");
      server.send("mine");
      await until(() => user.body === "mine");
      const other = new LegUser(context);
      leg.user = other;
      server.send("your");
      await until(() => other.body === "your");
      expect(user.body).toBe("mine");
      leg.release(now());
    });

    test("after 101 it is a tunnel, each direction of which ends by itself", async () => {
      const pool = await kind.open();
      const upgrade = "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: test\r\n\r\n";
      const { user, leg } = await asked(pool, requestOf(upgrade));
      const server = await kind.end(0);
      await server.request();
      server.respond(101, "Upgrade: test\r\nConnection: upgrade\r\n");
      await until(() => user.heads.length === 1);
      expect(leg.sendAway(Buffer.from("ping"), 0, 4)).toBe(true);
      await until(() => server.text === "ping");
      leg.endSending();
      await until(() => server.ended === "end");
      server.send("pong");
      await until(() => user.body === "pong");
      await until(() => leg.unacknowledged() <= 0); // -1 = nobody knows
      server.finish();
      await until(() => user.heard.includes("end"));
      if (!kind.multiplexes) expect(leg.reusable).toBe(false);
      leg.release(now());
    });

    test("a pool that retires lets the present request end, and keeps nothing", async () => {
      const pool = await kind.open();
      const { user, leg } = await asked(pool);
      const server = await kind.end(0);
      await server.request();
      pool.retire();
      server.respond(200, "Content-Length: 2\r\n");
      server.send("ok");
      await until(() => user.body === "ok");
      leg.release(now());
      await until(() => server.ended !== null);
    });
  });
}
