/** `RETRY_ON_STATUS`: which error responses are asked for again elsewhere, and what becomes of those that are not wanted. */
import { afterEach, describe, expect, test } from "bun:test";
import { Backend, cleanUp, eventually, get, ok, TestProxy } from "../../../support/proxy-harness.ts";
import { singleValue, type Wire } from "../../../support/wire.ts";

afterEach(cleanUp);

const ALL = Array.from({ length: 100 }, (_, i) => 500 + i);
const RETRYING = { retryOnStatus: ALL, retryBudgetPercent: 100 };

const failure = (body = "", status = 503, fields = "") =>
  `HTTP/1.1 ${status} Oh\r\nContent-Length: ${body.length}\r\n${fields}\r\n${body}`;
const good = () => Backend.answering(({ startLine, body }) => ok(`${startLine.split(" ")[0]} ${body}`));
/** Answers every request with an error, and counts them. */
const failing = async (answer: string | ((asked: number) => string) = failure("broken")) => {
  const seen = { asked: 0 };
  const backend = await Backend.answering(() => {
    seen.asked++;
    return typeof answer === "string" ? answer : answer(seen.asked);
  });
  return { backend, seen };
};
/** Sends what `script` says after each request, and stays connected. */
const scripted = (script: (connection: Wire, index: number) => Promise<unknown>) =>
  Backend.start(async (connection, index) => {
    for (;;) {
      await connection.message();
      await script(connection, index);
    }
  });

const withBody = (method: string, fields = "") => `${get("/", `Content-Length: 2\r\n${fields}`, method)}hi`;

describe("what is sent again", () => {
  test.each(["GET", "PUT", "DELETE", "OPTIONS"])("%s, with the body that came along", async (method) => {
    const { backend, seen } = await failing();
    const proxy = new TestProxy([backend, await good()], { settings: RETRYING });
    for (let i = 0; i < 6; i++) {
      const answer = await proxy.ask(withBody(method));
      expect([answer.status, answer.body.toString()]).toEqual([200, `${method} hi`]);
    }
    expect(seen.asked).toBeGreaterThan(0);
    expect(proxy.counter("RETRIES")).toBe(seen.asked);
    expect(proxy.inFlight).toBe(0);
  });

  test("HEAD, whose answers have no body; one might follow, so that nothing else is asked on their connection", async () => {
    let asked = 0;
    const bad = await Backend.answering(() => {
      asked++;
      return "HTTP/1.1 503 Oh\r\nContent-Length: 500000\r\n\r\n";
    });
    const fine = await Backend.answering(() => "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    const proxy = new TestProxy([bad, fine], { settings: RETRYING });
    for (let i = 0; i < 4; i++) {
      expect((await proxy.ask(get("/", "", "HEAD"), { noBody: true })).status).toBe(200);
    }
    expect(asked).toBeGreaterThan(1);
    expect(bad.connections.length).toBe(asked);
    expect(proxy.counter("UPSTREAM_IDLE")).toBe(0);
  });

  test.each(["POST", "PATCH", "BREW"])("not %s: the server may have acted on it", async (method) => {
    const { backend, seen } = await failing();
    const proxy = new TestProxy([backend, await good()], { settings: RETRYING });
    const answers = [];
    for (let i = 0; i < 4; i++) answers.push(await proxy.ask(withBody(method, "Idempotency-Key: 1\r\n")));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 503, 503]);
    expect(seen.asked).toBe(2);
    expect(proxy.counter("RETRIES")).toBe(0);
  });

  test("not what was streamed: it could not be sent again", async () => {
    const { backend } = await failing();
    const proxy = new TestProxy([backend, await good()], { settings: RETRYING });
    const statuses = [];
    for (let i = 0; i < 4; i++) {
      const client = await proxy.connect();
      await client.send(`${get("/", "Content-Length: 300000\r\n", "PUT")}`);
      await client.pump(Buffer.alloc(300_000));
      statuses.push((await client.message()).status);
    }
    expect(statuses.sort()).toEqual([200, 200, 503, 503]);
    expect(proxy.counter("RETRIES")).toBe(0);
  });

  test("a request whose body is held back until a server wants it", async () => {
    const refusing = await Backend.start(async (connection) => {
      await connection.head();
      await connection.send(failure("no"));
    });
    const taking = await Backend.start(async (connection) => {
      for (;;) {
        await connection.head();
        await connection.send("HTTP/1.1 100 Continue\r\n\r\n");
        await connection.send(ok(await connection.take(5)));
      }
    });
    const proxy = new TestProxy([refusing, taking], { settings: RETRYING });
    for (let i = 0; i < 2; i++) {
      const client = await proxy.connect();
      await client.send(get("/", "Content-Length: 5\r\nExpect: 100-continue\r\n", "PUT"));
      expect((await client.head()).status).toBe(100);
      await client.send("hello");
      expect((await client.message()).body.toString()).toBe("hello");
    }
    expect(proxy.counter("RETRIES")).toBe(refusing.connections.length);
    expect(refusing.connections.length).toBeGreaterThan(0);
    await eventually(() => refusing.open === 0); // the rest of that request never came
  });

  test("only after the statuses that are configured, and after none by default", async () => {
    const { backend } = await failing((asked) => failure("", asked % 2 === 0 ? 500 : 503));
    const statuses = async (retryOnStatus: readonly number[]) => {
      const proxy = new TestProxy([backend, backend], { settings: { ...RETRYING, retryOnStatus } });
      const found = [];
      for (let i = 0; i < 4; i++) found.push((await proxy.ask(get())).status);
      return found;
    };
    expect(await statuses([])).toEqual([503, 500, 503, 500]);
    expect(await statuses([503])).toEqual([500, 500, 500, 500]);
  });

  test("a client that pipelines hears its answers in order", async () => {
    const { backend } = await failing();
    const fine = await Backend.answering(({ startLine }) => ok(startLine.split(" ")[1]));
    const proxy = new TestProxy([backend, fine], { settings: RETRYING });
    const client = await proxy.connect();
    await client.send(get("/1") + get("/2") + get("/3"));
    for (const path of ["/1", "/2", "/3"]) expect((await client.message()).body.toString()).toBe(path);
  });
});

describe("where it ends", () => {
  test("every server is asked once, and the last one's own answer is the client's", async () => {
    const servers = await Promise.all(
      [1, 2, 3].map((n) => failing(failure(`page ${n}`, 503, `Retry-After: ${n}\r\n`))),
    );
    const proxy = new TestProxy(
      servers.map(({ backend }) => backend),
      { settings: { ...RETRYING, retryAttempts: 9, accessLog: true } },
    );
    const answer = await proxy.ask(get());
    expect(servers.map(({ seen }) => seen.asked)).toEqual([1, 1, 1]);
    expect(answer.startLine).toBe("HTTP/1.1 503 Oh");
    expect(answer.body.toString()).toBe(`page ${singleValue(answer, "retry-after")}`);
    expect(singleValue(answer, "proxy-status")).toBeUndefined();
    const entry = JSON.parse((await proxy.logLines(1))[0]);
    expect(entry).toMatchObject({ status: 503, attempts: 3, bytes: 6 });
    expect(entry.error).toBeUndefined();
    const { failures, responses, unanswered } = proxy.memory.workers[0];
    for (const column of [responses, failures]) expect([...column.subarray(0, 4)]).toEqual([1, 1, 1, 0]);
    expect([...unanswered.subarray(0, 4)]).toEqual([0, 0, 0, 0]);
    expect([...proxy.memory.servers.consecutiveFailures.subarray(0, 4)]).toEqual([1, 1, 1, 0]);
    expect(proxy.inFlight).toBe(0);
  });

  test("RETRY_ATTEMPTS bounds it", async () => {
    const servers = await Promise.all([1, 2, 3, 4].map(() => failing()));
    const proxy = new TestProxy(
      servers.map(({ backend }) => backend),
      { settings: { ...RETRYING, retryAttempts: 1 } },
    );
    const asked = () => servers.reduce((sum, { seen }) => sum + seen.asked, 0);
    expect((await proxy.ask(get())).status).toBe(503);
    expect(asked()).toBe(2);
    proxy.change({ retryAttempts: 0 });
    expect((await proxy.ask(get())).status).toBe(503);
    expect(asked()).toBe(3);
  });

  test("the budget bounds it, and what it denies is passed on", async () => {
    const [one, two] = [await failing(), await failing()];
    const startMs = performance.now();
    const proxy = new TestProxy([one.backend, two.backend], { settings: { ...RETRYING, retryBudgetPercent: 10 } });
    for (let i = 0; i < 60; i++) expect((await proxy.ask(get())).body.toString()).toBe("broken");
    // 3 to begin with, 6 for the requests, and 3 for every second that passed.
    const most = 9 + (3 * (performance.now() - startMs)) / 1000;
    expect(proxy.counter("RETRIES")).toBeGreaterThanOrEqual(6);
    expect(proxy.counter("RETRIES")).toBeLessThanOrEqual(most);
    expect(proxy.counter("RETRIES_DENIED_BY_BUDGET")).toBe(60 - proxy.counter("RETRIES"));
    expect(one.seen.asked + two.seen.asked).toBe(60 + proxy.counter("RETRIES"));
    expect(proxy.inFlight).toBe(0);
  });

  test("an only server is asked once, and costs no budget", async () => {
    const { backend, seen } = await failing();
    const proxy = new TestProxy([backend], { settings: RETRYING });
    expect((await proxy.ask(get())).status).toBe(503);
    expect(seen.asked).toBe(1);
    expect(proxy.counter("RETRIES") + proxy.counter("RETRIES_DENIED_BY_BUDGET")).toBe(0);
  });

  test("nobody waits for room at another server with an answer in hand", async () => {
    const released = Promise.withResolvers<void>();
    const busy = await Backend.answering(() => released.promise.then(() => ok("late")));
    const { backend } = await failing();
    const proxy = new TestProxy([{ port: busy.port, hardLimit: 1 }, backend], { settings: RETRYING });
    // Wherever it is sent first, it ends at the one that is busy from then on.
    const late = proxy.ask(get());
    await eventually(() => proxy.memory.servers.inFlight[0] === 1);
    expect((await proxy.ask(get())).status).toBe(503);
    released.resolve();
    expect((await late).body.toString()).toBe("late");
  });

  test("when the last attempt has no answer, that is what the client hears", async () => {
    const { backend } = await failing();
    const dying = await Backend.start(async (connection) => {
      await connection.message();
      connection.destroy();
    });
    const proxy = new TestProxy([backend, dying], { settings: { ...RETRYING, retryAttempts: 1 } });
    const statuses = new Set<number>();
    for (let i = 0; i < 4; i++) statuses.add((await proxy.ask(get())).status);
    proxy.change({ strategy: "random" });
    while (statuses.size < 2) statuses.add((await proxy.ask(get())).status);
    expect([...statuses].sort()).toEqual([502, 503]);
  });
});

describe("the answer that is not wanted", () => {
  /** Makes requests one after the other, half of which meet the server that fails. */
  const ask = async (proxy: TestProxy, times: number) => {
    for (let i = 0; i < times; i++) expect((await proxy.ask(get())).status).toBe(200);
  };

  test("a short one leaves its connection to the next request", async () => {
    const bad = await scripted((connection) => connection.send(failure("short")));
    const proxy = new TestProxy([bad, await good()], { settings: RETRYING });
    await ask(proxy, 8);
    expect(bad.connections.length).toBe(1);
    expect(proxy.counter("RETRIES")).toBeGreaterThan(1);
  });

  test("one that comes in pieces is read to its end", async () => {
    const head = "HTTP/1.1 500 Oh\r\nTransfer-Encoding: chunked\r\n\r\n";
    const bad = await scripted((connection) => connection.send(head, "5\r\nhel", "lo\r\n", "0\r\n\r\n"));
    const proxy = new TestProxy([bad, await good()], { settings: RETRYING });
    for (let i = 0; i < 6; i++) {
      await ask(proxy, 1);
      await eventually(() => proxy.counter("UPSTREAM_IDLE") === 1 + bad.connections.length);
    }
    expect(bad.connections.length).toBe(1);
    expect(proxy.counter("RETRIES")).toBeGreaterThan(1);
  });

  test("while it is read, nobody else uses its connection", async () => {
    let finish = async () => {};
    const bad = await scripted(async (connection, index) => {
      if (index > 0) return connection.send(failure("whole"));
      await connection.send("HTTP/1.1 500 Oh\r\nContent-Length: 4\r\n\r\nha");
      finish = () => connection.send("lf");
    });
    const proxy = new TestProxy([bad, await good()], { settings: RETRYING });
    await ask(proxy, 4); // no more: it is given a second for the rest
    expect(bad.connections.length).toBe(2);
    expect(proxy.inFlight).toBe(0);
    expect(proxy.counter("UPSTREAM_IDLE")).toBe(2);
    await finish();
    await eventually(() => proxy.counter("UPSTREAM_IDLE") === 3);
  });

  test.each([
    ["is announced to be long", "Content-Length: 100000\r\n\r\nx"],
    ["has no announced end", "\r\nx"],
    ["ends its connection", "Connection: close\r\nContent-Length: 1\r\n\r\nx"],
    ["breaks its framing", "Transfer-Encoding: chunked\r\n\r\nxyz\r\n"],
    ["has something behind it", "Content-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"],
    ["does not come to its end", "Content-Length: 2\r\n\r\nx"],
  ])("one that %s is cut off, and its connection is not used again", async (_, rest) => {
    const bad = await scripted((connection) => connection.send(`HTTP/1.1 500 Oh\r\n${rest}`));
    const proxy = new TestProxy([bad, await good()], { settings: RETRYING });
    await ask(proxy, 4);
    expect(bad.connections.length).toBeGreaterThan(1);
    expect(proxy.counter("RETRIES")).toBe(bad.connections.length);
    expect(proxy.inFlight).toBe(0);
    await eventually(() => bad.open === 0);
    expect(proxy.counter("UPSTREAM_IDLE")).toBe(1);
  });

  test("an endless one is not read for ever", async () => {
    const chunk = Buffer.concat([Buffer.from("1000\r\n"), Buffer.alloc(4096), Buffer.from("\r\n")]);
    const bad = await Backend.start(async (connection) => {
      await connection.message();
      await connection.send("HTTP/1.1 500 Oh\r\nTransfer-Encoding: chunked\r\n\r\n");
      while (connection.ended === null) await connection.pump(chunk);
    });
    const proxy = new TestProxy([bad, await good()], { settings: RETRYING });
    await ask(proxy, 2);
    expect(bad.connections.length).toBeGreaterThan(0);
    await eventually(() => bad.open === 0);
  });
});

describe("with hedges and limits of time", () => {
  const after = (ms: number, answer: string | Uint8Array) =>
    Backend.answering(async () => {
      await Bun.sleep(ms);
      return answer;
    });

  test("an error leaves the request to the hedge that is under way", async () => {
    let round = 1;
    const bad = await Backend.answering(async () => {
      await eventually(() => proxy.counter("HEDGES") === round);
      return failure();
    });
    const slow = await Backend.answering(async () => {
      await eventually(() => proxy.memory.workers[0].failures[0] === round);
      return ok("hedge");
    });
    const proxy = new TestProxy([bad, slow], {
      settings: { ...RETRYING, hedgeAfterMs: 50, hedgeBudgetPercent: 100 },
    });
    for (; round <= 4; round++) expect((await proxy.ask(get())).body.toString()).toBe("hedge");
    expect(proxy.counter("RETRIES")).toBe(0);
    expect(proxy.counter("HEDGES")).toBe(4);
    expect(bad.connections.length).toBe(1);
    expect(proxy.inFlight).toBe(0);
  });

  test("when both fail, a third server is asked", async () => {
    const fine = await good();
    const servers = [await after(60, failure()), await after(90, failure()), fine];
    const proxy = new TestProxy(servers, { settings: { ...RETRYING, hedgeAfterMs: 20, hedgeBudgetPercent: 100 } });
    for (let i = 0; i < 6; i++) expect((await proxy.ask(get())).status).toBe(200);
    expect(proxy.counter("RETRIES")).toBeGreaterThan(0);
    expect(proxy.inFlight).toBe(0);
    expect(proxy.logged).toEqual([]);
  });

  test("the time of one attempt begins anew with each", async () => {
    const servers = [await after(0, failure()), await after(3000, ok("too late")), await good()];
    const proxy = new TestProxy(servers, { settings: { ...RETRYING, perTryTimeoutMs: 500 } });
    for (let i = 0; i < 3; i++) expect((await proxy.ask(get())).status).toBe(200);
    expect(proxy.inFlight).toBe(0);
  });

  test("a client that leaves in between leaves no trace", async () => {
    const servers = [await after(0, failure()), await Backend.start((connection) => connection.message())];
    const proxy = new TestProxy(servers, { settings: RETRYING });
    for (let i = 0; i < 2; i++) {
      const client = await proxy.connect();
      await client.send(get());
      await eventually(() => proxy.memory.servers.inFlight[1] === 1);
      client.reset();
      await eventually(() => proxy.inFlight === 0);
    }
    await eventually(() => servers[1].open === 0);
    expect(proxy.logged).toEqual([]);
  });
});
