/**
 * What an exchange relies on in its client's side, whatever protocol that speaks. The suite plays the exchange (`Served`) and
 * the client; what differs by nature of a protocol is said in `Nature`, and asserted.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Failures } from "../../../../../src/proxy/failure.ts";
import { compileEdits, HeadEdits, MAX_MOMENT_BYTES } from "../../../../../src/proxy/rewrite/edits.ts";
import { FIXED_RESPONSE_FIELDS, MAX_ADDED_BYTES } from "../../../../../src/shared/fixed-fields.ts";
import { until } from "../../../../support/until.ts";
import type { Served } from "./served.ts";
import type { ContractWorker } from "./worker.ts";

/** A request as a client sends it. */
export interface SentRequest {
  readonly method?: string;
  readonly path?: string;
  /** Bytes of the body; those that `body` lacks come later (`sendMore`). */
  readonly length?: number;
  readonly body?: string;
  /** All of a body whose length its head does not say. */
  readonly pieces?: readonly string[];
  /** Field lines behind those. */
  readonly trailers?: string;
  /** It asks for a tunnel; these are the first bytes in it, which come before anybody knows whether there will be one. */
  readonly tunnel?: string;
}

/** What a client got for one request. */
export interface Received {
  /** Statuses of interim responses. */
  readonly interim: readonly number[];
  readonly status: number;
  /** Names in lower case. */
  readonly fields: ReadonlyMap<string, string>;
  readonly body: string;
  /** Field lines. */
  readonly trailers: string;
  /** The client knows that this is all; else it knows that it is not. */
  readonly whole: boolean;
}

/** A client, and its connection. */
export interface ContractClient {
  send(...requests: SentRequest[]): void;
  /** Of the last request's body, or into its tunnel. */
  sendMore(data: string): void;
  /** Sends nothing more for the last request, and goes on reading. */
  finish(): void;
  /** Goes away, without ceremony. */
  leave(): void;
  /** Takes nothing more, until `goOn`. */
  stopReading(): void;
  goOn(): void;
  /** The next response, when it has ended. */
  response(): Promise<Received>;
  /** Resolves when this much of a tunnel has come, behind its head. @returns the fields of that, names in lower case. */
  tunnelled(text: string): Promise<ReadonlyMap<string, string>>;
  /** Resolves when the worker sends nothing more. */
  ended(): Promise<void>;
}

/** What a protocol is by its nature. */
export interface Nature {
  /** Chunks come as the server framed them; else the content alone. */
  readonly takesChunks: boolean;
  readonly knowsInterim: boolean;
  /** A request may have a body whose length its head does not say. */
  readonly sendsPieces: boolean;
  /** There is a place for trailers. */
  readonly knowsTrailers: boolean;
  /** A second request is served while the first one is; else it waits for its turn. */
  readonly concurrent: boolean;
  /** What follows a request that was given up can be told from it: the connection serves others. */
  readonly survivesRefusal: boolean;
  /** A body that ends before its length is no request: there is no response. */
  readonly resetsShortBodies: boolean;
}

/** One kind of downstream. */
export interface DownstreamKind {
  readonly name: string;
  readonly nature: Nature;
  open(): Promise<{ readonly worker: ContractWorker; connect(): Promise<ContractClient>; close(): void }>;
}

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Kept: yes\r\n\r\nhello";
/** More than any socket takes at once. */
const LARGE = 8 * 1024 * 1024;

/** Runs the suite over one kind. */
export function downstreamContract(kind: DownstreamKind): void {
  const { nature } = kind;
  describe(`${kind.name} as a downstream`, () => {
    let side: Awaited<ReturnType<DownstreamKind["open"]>>;
    beforeAll(async () => {
      side = await kind.open();
    });
    afterAll(() => side.close());

    /** A client whose request has reached its exchange. */
    async function asked(request: SentRequest = {}): Promise<{ client: ContractClient; served: Served }> {
      const client = await side.connect();
      client.send(request);
      return { client, served: await side.worker.requests.next() };
    }

    /** The connection still serves. */
    async function servesAnother(client: ContractClient): Promise<void> {
      client.send({ path: "/another" });
      const served = await side.worker.requests.next();
      expect(served.head).toStartWith("GET /another HTTP/1.");
      served.respond(OK);
      served.done();
      expect(await client.response()).toMatchObject({ status: 200, body: "hello", whole: true });
    }

    test("a request comes with its head, its peer and its body as far as that has come", async () => {
      const { client, served } = await asked({ method: "POST", path: "/a?b", length: 10, body: "01234" });
      expect(served.head).toMatch(/^POST \/a\?b HTTP\/1\.[01]\r\nhost: a\.example\r\n/i);
      expect(served.client.peer.address).toBe("127.0.0.1");
      await until(() => served.body === "01234");
      expect(served.requestComplete).toBe(false);
      client.sendMore("567");
      client.sendMore("89");
      await until(() => served.requestComplete);
      expect(served.body).toBe("0123456789");
      served.respond(OK);
      served.done();
      expect(await client.response()).toMatchObject({ status: 200, body: "hello", whole: true });
      expect(served.told).toEqual([]);
    });

    test("a request's body of unknown length comes with its trailers, or is refused", async () => {
      const client = await side.connect();
      client.send({ method: "POST", pieces: ["012", "3", "456789"], trailers: "X-Sum: 10\r\n" });
      if (!nature.sendsPieces) {
        expect(await client.response()).toMatchObject({ status: 400, whole: true });
        return;
      }
      const served = await side.worker.requests.next();
      await until(() => served.requestComplete);
      expect([served.body, served.trailers.toLowerCase()]).toEqual(["0123456789", "x-sum: 10\r\n"]);
      served.respond(OK);
      served.done();
      expect((await client.response()).whole).toBe(true);
      await servesAnother(client);
    });

    test("a response in one piece, and the next requests on the same connection", async () => {
      const { client, served } = await asked();
      expect(served.respond(OK)).toBe(true);
      served.done();
      const received = await client.response();
      expect(received).toMatchObject({ interim: [], status: 200, body: "hello", trailers: "", whole: true });
      expect(received.fields.get("x-kept")).toBe("yes");
      expect(received.fields.get("date")).toBe("Mon, 02 Nov 2026 10:00:00 GMT");
      await servesAnother(client);
      await servesAnother(client);
    });

    test("a response whose head is changed: what is removed, set and added, whatever the packet looks like", async () => {
      const edits = compileEdits(
        {
          remove: ["x-gone"],
          set: [{ name: "X-Kept", value: "set" }],
          add: [{ name: "X-New", value: "a: b" }],
        },
        FIXED_RESPONSE_FIELDS,
      );
      const lines = "Date: x\r\nX-Gone: 1\r\nx-kept: 1\r\nX-Kept: 2\r\nX-Stays: 3\r\n";
      for (const length of [5, 10_000, 200_000]) {
        const { client, served } = await asked();
        served.respond(
          `HTTP/1.1 200 OK\r\n${lines}Content-Length: ${length}\r\n\r\n${"b".repeat(length)}`,
          true,
          edits,
        );
        served.done();
        const { status, fields, body, whole } = await client.response();
        expect([status, body.length, whole]).toEqual([200, length, true]);
        expect(["x-gone", "x-kept", "x-new", "x-stays"].map((name) => fields.get(name))).toEqual([
          undefined,
          "set",
          "a: b",
          "3",
        ]);
        await servesAnother(client);
      }
    });

    test("a head gets as much as a route and the moment may add", async () => {
      const field = { name: "X-Long", value: "v".repeat(MAX_ADDED_BYTES - "X-Long: \r\n".length) };
      const edits = compileEdits({ remove: [], set: [], add: [field] }, FIXED_RESPONSE_FIELDS);
      const cookie = Buffer.from(`Set-Cookie: ${"c".repeat(MAX_MOMENT_BYTES - "Set-Cookie: \r\n".length)}\r\n`);
      const { client, served } = await asked();
      served.respond(OK, true, HeadEdits.add(edits, cookie));
      served.done();
      const { fields, body } = await client.response();
      expect([fields.get("x-long")?.length, fields.get("set-cookie")?.length, body]).toEqual([
        field.value.length,
        MAX_MOMENT_BYTES - "Set-Cookie: \r\n".length,
        "hello",
      ]);
      await servesAnother(client);
    });

    test("a response without a body", async () => {
      const { client, served } = await asked({ method: "HEAD" });
      served.respond("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
      served.done();
      expect(await client.response()).toMatchObject({ status: 200, body: "", whole: true });
      await servesAnother(client);
    });

    test("requests that come at once each get their own response", async () => {
      const client = await side.connect();
      client.send({ path: "/1" }, { path: "/2" });
      const first = await side.worker.requests.next();
      const count = side.worker.requests.all.length;
      expect(side.worker.requests.all.at(-1) !== first).toBe(nature.concurrent);
      first.respond(OK.replace("hello", "first"));
      first.done();
      const second = await side.worker.requests.next();
      expect(side.worker.requests.all.length - count).toBe(nature.concurrent ? 0 : 1);
      expect(second.head).toContain("/2");
      second.respond(OK);
      second.done();
      expect((await client.response()).body).toBe("first");
      expect((await client.response()).body).toBe("hello");
    });

    test("interim responses come before it, to who knows them", async () => {
      const { client, served } = await asked();
      expect(served.interim("HTTP/1.1 102 Processing\r\n\r\n")).toBe(true);
      expect(served.interim("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")).toBe(true);
      served.respond(OK);
      served.done();
      expect(await client.response()).toMatchObject({
        interim: nature.knowsInterim ? [102, 103] : [],
        status: 200,
        body: "hello",
      });
    });

    test("a body in pieces", async () => {
      const { client, served } = await asked();
      served.respond("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n012", false);
      expect(served.send("345")).toBe(true);
      expect(served.send("6789")).toBe(true);
      served.client.endBody(null);
      served.done();
      expect(await client.response()).toMatchObject({ status: 200, body: "0123456789", whole: true });
      await servesAnother(client);
    });

    test("a body that ends with its connection", async () => {
      const { client, served } = await asked();
      served.respond("HTTP/1.1 200 OK\r\n\r\n012", false);
      served.send("345");
      served.client.endBody(null);
      served.done();
      expect(await client.response()).toMatchObject({ status: 200, body: "012345", whole: true });
    });

    test("a chunked body, with its trailers", async () => {
      const { client, served } = await asked();
      expect(served.client.takesChunks).toBe(nature.takesChunks);
      const head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
      if (nature.takesChunks) {
        served.respond(`${head}3\r\n012\r\n`, false);
        served.send("3\r\n345\r\n0\r\nX-Sum: 6\r\n\r\n");
        served.client.endBody(null);
      } else {
        served.respond(`${head}012`, false);
        served.send("345");
        served.client.endBody(Buffer.from("X-Sum: 6\r\n"));
      }
      served.done();
      const { status, body, trailers, whole } = await client.response();
      expect([status, body, whole]).toEqual([200, "012345", true]);
      expect(trailers.toLowerCase()).toBe(nature.knowsTrailers ? "x-sum: 6\r\n" : "");
    });

    test("a client that does not read is waited for, and gets everything", async () => {
      const { client, served } = await asked();
      client.stopReading();
      served.respond(`HTTP/1.1 200 OK\r\nContent-Length: ${LARGE + 3}\r\n\r\nabc`, false);
      expect(served.client.queuedBytes).toBe(0);
      expect(served.send(Buffer.alloc(LARGE, 120))).toBe(true);
      expect(served.client.queuedBytes).toBeGreaterThan(0);
      const received = client.response();
      client.goOn();
      await until(() => served.client.queuedBytes === 0);
      expect(served.drained).toBeGreaterThan(0);
      served.client.endBody(null);
      served.done();
      const { body, whole } = await received;
      expect([body.length, body.slice(0, 4), whole]).toEqual([LARGE + 3, "abcx", true]);
      await servesAnother(client);
    });

    test("what is still queued when the exchange is done reaches the client", async () => {
      const { client, served } = await asked();
      client.stopReading();
      served.respond(`HTTP/1.1 200 OK\r\nContent-Length: ${LARGE}\r\n\r\n`, false);
      served.send(Buffer.alloc(LARGE, 120));
      served.client.endBody(null);
      served.done();
      const received = client.response();
      client.goOn();
      const { body, whole } = await received;
      expect([body.length, whole]).toEqual([LARGE, true]);
      await servesAnother(client);
    });

    test("a client that is held back goes on where it was", async () => {
      const { client, served } = await asked({ method: "POST", length: 10, body: "01234" });
      await until(() => served.body === "01234");
      served.client.pauseReading();
      client.sendMore("56789");
      served.client.resumeReading();
      await until(() => served.requestComplete);
      expect(served.body).toBe("0123456789");
      served.respond(OK);
      served.done();
      expect((await client.response()).whole).toBe(true);
    });

    test("an error of ours is a response like others", async () => {
      const { client, served } = await asked();
      const bytes = served.fail(Failures.NO_SERVER);
      served.done();
      const { status, fields, body, whole } = await client.response();
      expect([status, body.length, whole]).toEqual([503, bytes, true]);
      expect(JSON.parse(body).error).toMatchObject({ code: Failures.NO_SERVER.code });
      expect(fields.get("proxy-status")).toContain(Failures.NO_SERVER.code);
      expect(fields.get("x-request-id")).toBe("0123456789abcdef0123456789abcdef");
      expect(fields.get("retry-after")).toBe("1");
      await servesAnother(client);
    });

    test("a response of our own is changed as others are, and its bytes are left to others who share them", async () => {
      const edits = compileEdits(
        { remove: ["cache-control"], set: [{ name: "X-New", value: "1" }], add: [] },
        FIXED_RESPONSE_FIELDS,
      );
      for (const length of [5, LARGE]) {
        const bytes = Buffer.alloc(length, 120);
        const { client, served } = await asked();
        const response = { status: 200, type: "text/plain", body: bytes, fields: [] };
        expect(served.respondLocal(response, edits)).toBe(length);
        served.done();
        const { status, fields, body, whole } = await client.response();
        expect([status, body.length, whole, fields.get("x-new"), fields.get("cache-control")]).toEqual([
          200,
          length,
          true,
          "1",
          undefined,
        ]);
        expect([bytes.length, bytes[length - 1]]).toEqual([length, 120]);
        await servesAnother(client);
      }
    });

    test("a response of our own without a body says nothing of one", async () => {
      const { client, served } = await asked();
      expect(served.respondLocal({ status: 204, type: "text/plain", body: "x", fields: [] })).toBe(0);
      served.done();
      const { status, fields, body, whole } = await client.response();
      expect([status, body, whole, fields.get("content-length")]).toEqual([204, "", true, undefined]);
      await servesAnother(client);
    });

    test("an error of ours has no body where there can be none", async () => {
      const { client, served } = await asked({ method: "HEAD" });
      expect(served.fail(Failures.NO_SERVER)).toBe(0);
      served.done();
      expect(await client.response()).toMatchObject({ status: 503, body: "", whole: true });
      await servesAnother(client);
    });

    test.each([
      ["GET", "/health/live", 200, '{"status":"ok"'],
      ["HEAD", "/health/live", 200, ""],
      ["GET", "/health/ready", 503, '{"status":"not_ready"'],
      ["POST", "/metrics", 405, '{"error":{"code":"method_not_allowed"'],
      ["GET", "/metrics", 503, '{"error":{"code":"admin_unavailable"'],
      ["GET", "/api/v1/servers/1", 404, '{"error":{"code":"server_not_shown"'],
      ["PATCH", "/api/v1/servers/1", 405, '{"error":{"code":"method_not_allowed"'],
      ["DELETE", "/api/v1/servers/1/", 405, '{"error":{"code":"method_not_allowed"'],
      ["PUT", "/health/live", 405, '{"error":{"code":"method_not_allowed"'],
    ])("%s %s is answered without an exchange", async (method, path, status, body) => {
      const client = await side.connect();
      client.send({ method, path });
      const received = await client.response();
      expect(received).toMatchObject({ status, whole: true });
      expect(received.body).toStartWith(body);
      expect(received.fields.get("content-type")).toBe("application/json");
      expect(received.fields.get("cache-control")).toBe("no-store");
      await servesAnother(client);
    });

    test("a request that is given up gets its response, whatever still comes of it", async () => {
      const { client, served } = await asked({ method: "POST", length: 10, body: "01234" });
      served.client.refuseRest();
      served.fail(Failures.BODY_TOO_LARGE);
      served.done();
      client.sendMore("56789");
      expect(await client.response()).toMatchObject({ status: 413, whole: true });
      expect(served.body).toBe("01234");
      if (nature.survivesRefusal) await servesAnother(client);
      else {
        client.finish();
        await client.ended();
      }
    });

    test("so does one that had come whole", async () => {
      const { client, served } = await asked({ method: "POST", length: 5, body: "01234" });
      await until(() => served.requestComplete);
      served.client.refuseRest();
      served.fail(Failures.BODY_TOO_LARGE);
      served.done();
      expect(await client.response()).toMatchObject({ status: 413, whole: true });
      if (nature.survivesRefusal) await servesAnother(client);
      else await client.ended();
    });

    test.each([
      ["of a length", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234", true],
      ["until the connection ends", "HTTP/1.1 200 OK\r\n\r\n01234", false],
    ])(
      "a response %s that breaks off is seen not to be whole, and what there was of it comes",
      async (_, head, shows) => {
        const { client, served } = await asked();
        served.respond(head, false);
        served.cut(shows);
        expect(await client.response()).toMatchObject({ body: "01234", whole: false });
        expect(served.told).toEqual([]);
      },
    );

    test("a response that is given up ends at once, and nothing more is told", async () => {
      const { client, served } = await asked();
      served.respond("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234", false);
      served.client.reset();
      expect(await client.response()).toMatchObject({ whole: false });
      client.leave();
      expect(served.told).toEqual([]);
    });

    test("a client that has gone while it is waited for is told once", async () => {
      const { client, served } = await asked();
      client.leave();
      await served.wasTold("gone");
      expect(served.told).toEqual(["gone"]);
    });

    test("a client that has gone in the middle of its response is told once, however much is sent", async () => {
      const { client, served } = await asked();
      served.respond("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n01234", false);
      client.leave();
      await until(() => served.told.includes("gone") || !served.send(Buffer.alloc(1000)));
      await served.wasTold("gone");
      expect(served.told).toEqual(["gone"]);
    });

    test("a client that sends nothing more in the middle of a body is told of, and still gets its response if there can be one", async () => {
      const { client, served } = await asked({ method: "POST", length: 10, body: "01234" });
      client.finish();
      if (nature.resetsShortBodies) {
        await served.wasTold("refuse stream_error");
        expect(await client.response()).toMatchObject({ status: 0, whole: false });
        return;
      }
      await served.wasTold("end");
      served.client.refuseRest();
      served.fail(Failures.REQUEST_TRUNCATED);
      served.done();
      expect(await client.response()).toMatchObject({ status: 400, whole: true });
      expect(served.told).toEqual(["end"]);
    });

    test("its deadline is the exchange's, and ends with it", async () => {
      const { wheel, now } = side.worker.ctx;
      const { client, served } = await asked();
      expect(served.client.deadlineMs).toBe(Number.POSITIVE_INFINITY);
      wheel.set(served.client, now() + 10);
      await served.wasTold("deadline");
      wheel.set(served.client, now() + 60_000);
      served.respond(OK);
      wheel.clear(served.client);
      served.done();
      expect((await client.response()).whole).toBe(true);
      expect(served.told).toEqual(["deadline"]);
      await servesAnother(client);
    });

    test("a tunnel carries bytes both ways, and each direction ends by itself", async () => {
      const { client, served } = await asked({ tunnel: "early " });
      expect(served.tunnel).toBe("");
      served.startTunnel();
      await until(() => served.tunnel === "early ");
      expect(served.send("from the server")).toBe(true);
      await client.tunnelled("from the server");
      client.sendMore("late");
      await until(() => served.tunnel === "early late");
      served.client.endSending();
      await client.ended();
      client.sendMore(" and last");
      await until(() => served.tunnel === "early late and last");
      client.finish();
      await served.wasTold("end");
      served.done();
      expect(served.told).toEqual(["end"]);
    });

    test("the head of a tunnel is changed as others are", async () => {
      const { client, served } = await asked({ tunnel: "" });
      served.startTunnel(HeadEdits.add(null, Buffer.from("Set-Cookie: a=b\r\n")));
      served.send("hello");
      expect((await client.tunnelled("hello")).get("set-cookie")).toBe("a=b");
      served.cut(false);
      await expect(client.ended()).rejects.toThrow("broken off");
    });

    test("a tunnel that the client ends first still carries what comes for it", async () => {
      const { client, served } = await asked({ tunnel: "" });
      served.startTunnel();
      client.sendMore("hello");
      client.finish();
      await served.wasTold("end");
      expect(served.tunnel).toBe("hello");
      served.send("and good bye");
      await client.tunnelled("and good bye");
      served.client.endSending();
      served.done();
      await client.ended();
      expect(served.told).toEqual(["end"]);
    });

    test("a tunnel that breaks off does not look as if it had ended", async () => {
      const { client, served } = await asked({ tunnel: "" });
      served.startTunnel();
      served.send("hello");
      await client.tunnelled("hello");
      served.cut(false);
      await expect(client.ended()).rejects.toThrow("broken off");
    });

    test("an exception in a handler ends the one request that it met, visibly", async () => {
      const { client, served } = await asked({ method: "POST", length: 10, body: "01234" });
      await until(() => served.body === "01234");
      served.throws = true;
      client.sendMore("56789");
      await served.wasTold("refuse internal_error");
      expect(await client.response()).toMatchObject({ status: 500, whole: true });
      const other = await asked();
      other.served.respond(OK);
      other.served.done();
      expect((await other.client.response()).whole).toBe(true);
    });
  });
}
