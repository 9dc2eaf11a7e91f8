/** `mirror`: a share of the requests goes to another pool as well, and the requests themselves do not notice. */
import { afterEach, describe, expect, test } from "bun:test";
import type { ForwardAuth, RouteSpec } from "../../../../../src/protocol/route.ts";
import { MIRROR_ROWS, MirrorWord, mirrorFigures, mirrorKey } from "../../../../../src/shared/memory/mirror-table.ts";
import { Backend, cleanUp, eventually, get, ok, type Target, TestProxy } from "../../../../support/proxy-harness.ts";
import { type TestPool, type TestSettings, toPool } from "../../../../support/proxy-settings.ts";
import { singleValue, valuesOf, type WireMessage } from "../../../../support/wire.ts";

afterEach(cleanUp);

const ROUTE = 20;

interface Options {
  readonly percent?: number;
  readonly settings?: Partial<TestSettings>;
  /** Of the mirror's pool alone: its limits of time are not to be the request's. */
  readonly shadow?: TestPool["settings"];
  readonly route?: Partial<RouteSpec>;
}

/** A proxy that mirrors what goes to `server`. */
function mirroring(server: Target, mirrors: readonly Target[], options: Options = {}): TestProxy {
  const { percent = 100, settings, shadow, route } = options;
  return new TestProxy([server, ...mirrors.map((each) => ({ ...each, port: each.port, pool: 1 }))], {
    settings,
    pools: [
      { row: 0, name: "default" },
      { row: 1, name: "shadow", settings: shadow },
      { row: 2, name: "auth" },
    ],
    routes: [{ ...toPool("default"), number: ROUTE, name: "shop", mirror: { pool: "shadow", percent }, ...route }],
  });
}

function figures(proxy: TestProxy): Float64Array {
  const block = proxy.memory.workers[0];
  return mirrorFigures(block, block.mirrorKeys.indexOf(mirrorKey(ROUTE, "shadow")));
}

/** Waits until so many of one kind were counted. */
const counted = (proxy: TestProxy, word: number, count: number) => eventually(() => figures(proxy)[word] === count);

async function asked(answer: string | Uint8Array = ok("fine")): Promise<{ backend: Backend; requests: WireMessage[] }> {
  const requests: WireMessage[] = [];
  const backend = await Backend.answering((request) => {
    requests.push(request);
    return answer;
  });
  return { backend, requests };
}

const silent = () => Backend.start((connection) => connection.message());

describe("what is mirrored", () => {
  test("is the request as its server got it, with its body, and a field that says what it is", async () => {
    const server = await asked();
    const shadow = await asked(ok("another answer"));
    const proxy = mirroring(server.backend, [shadow.backend], {
      route: { requestHeaders: { remove: ["x-secret"], set: [{ name: "X-Set", value: "1" }], add: [] } },
    });
    const answer = await proxy.ask(
      `${get("/a?b", "Content-Length: 2\r\nX-Own: 1\r\nX-NeuraBalancer-Mirror: forged\r\n", "POST")}hi`,
    );
    expect(answer.body.toString()).toBe("fine");
    await counted(proxy, MirrorWord.COMPLETED, 1);
    const [original] = server.requests;
    const [copy] = shadow.requests;
    expect(copy.startLine).toBe("POST /a?b HTTP/1.1");
    expect(copy.body.toString()).toBe("hi");
    expect(singleValue(copy, "x-neurabalancer-mirror")).toBe("1");
    expect(valuesOf(original, "x-neurabalancer-mirror")).toEqual([]);
    const others = ({ fields }: WireMessage) => fields.filter(([name]) => name !== "X-NeuraBalancer-Mirror").sort();
    expect(others(copy)).toEqual(others(original));
    expect(proxy.inFlight).toBe(0);
  });

  test("is rewritten as its route says, and is for its own pool's host", async () => {
    const server = await asked();
    const shadow = await asked();
    const proxy = new TestProxy([server.backend, { port: shadow.backend.port, pool: 1 }], {
      pools: [
        { row: 0, name: "default", settings: { upstreamHost: "main.internal" } },
        { row: 1, name: "shadow", settings: { upstreamHost: "shadow.internal" } },
      ],
      routes: [
        {
          ...toPool("default"),
          number: ROUTE,
          mirror: { pool: "shadow", percent: 100 },
          rewrite: { path: { kind: "prefix", value: "/new" }, host: null },
        },
      ],
    });
    await proxy.ask(get("/x"));
    await counted(proxy, MirrorWord.COMPLETED, 1);
    expect(shadow.requests[0].startLine).toBe("GET /new/x HTTP/1.1");
    expect(singleValue(shadow.requests[0], "host")).toBe("shadow.internal");
  });

  test("is so with chunks", async () => {
    const shadow = await asked();
    const proxy = mirroring((await asked()).backend, [shadow.backend]);
    await proxy.ask(`${get("/", "Transfer-Encoding: chunked\r\n", "PUT")}2\r\nhi\r\n0\r\n\r\n`);
    await counted(proxy, MirrorWord.COMPLETED, 1);
    expect(shadow.requests[0].body.toString()).toBe("hi");
  });

  test("is so as it comes to pass an auth server, and only then", async () => {
    const server = await asked();
    const shadow = await asked();
    const auth = await Backend.answering(({ fields }) =>
      fields.some(([, value]) => value === "/no")
        ? "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"
        : ok("", "X-User: ann\r\n"),
    );
    const forwardAuth: ForwardAuth = {
      pool: "auth",
      path: "/",
      requestHeaders: [],
      responseHeaders: ["x-user"],
      timeoutMs: 10_000,
    };
    const proxy = new TestProxy(
      [server.backend, { port: shadow.backend.port, pool: 1 }, { port: auth.port, pool: 2 }],
      {
        pools: [
          { row: 0, name: "default" },
          { row: 1, name: "shadow" },
          { row: 2, name: "auth" },
        ],
        routes: [{ ...toPool("default"), number: ROUTE, mirror: { pool: "shadow", percent: 100 }, forwardAuth }],
      },
    );
    expect((await proxy.ask(get("/no"))).status).toBe(403);
    await proxy.ask(get("/yes", "X-User: root\r\n"));
    await counted(proxy, MirrorWord.COMPLETED, 1);
    expect(shadow.requests.map((request) => [request.startLine, ...valuesOf(request, "x-user")])).toEqual([
      ["GET /yes HTTP/1.1", "ann"],
    ]);
  });

  test("is a share", async () => {
    const shadow = await asked();
    const proxy = mirroring((await asked()).backend, [shadow.backend], { percent: 50 });
    const client = await proxy.connect();
    for (let i = 0; i < 200; i++) {
      await client.send(get());
      await client.message();
    }
    await eventually(() => figures(proxy)[MirrorWord.COMPLETED] === shadow.requests.length && proxy.inFlight === 0);
    expect(shadow.requests.length).toBeGreaterThan(50);
    expect(shadow.requests.length).toBeLessThan(150);
    client.destroy();
  });

  test("is sent once, however often the request itself is", async () => {
    const broken = await Backend.start(async (connection) => {
      await connection.message();
      connection.destroy();
    });
    const shadow = await asked();
    const proxy = mirroring(broken, [shadow.backend], { settings: { retryAttempts: 3, retryBudgetPercent: 100 } });
    expect((await proxy.ask(get())).status).toBe(502);
    await counted(proxy, MirrorWord.COMPLETED, 1);
    expect(shadow.requests.length).toBe(1);
    expect(figures(proxy)[MirrorWord.SAME_STATUS] + figures(proxy)[MirrorWord.OTHER_STATUS]).toBe(0);
  });
});

test("a copy that outlives its route is not counted for the one that has got its row", async () => {
  const waiting = Promise.withResolvers<void>();
  const shadow = await Backend.answering(() => waiting.promise.then(() => ok()));
  const proxy = mirroring((await asked()).backend, [shadow]);
  await proxy.ask(get());
  await eventually(() => shadow.received > 0);
  const rest = { ...toPool("default"), mirror: { pool: "shadow", percent: 100 } };
  const paths = (number: number) => [{ kind: "prefix", value: `/${number}` } as const];
  const routes = Array.from({ length: MIRROR_ROWS }, (_, index) => {
    const number = ROUTE + 1 + index;
    return { ...rest, number, match: { hosts: [], paths: paths(number), methods: [], headers: [] } };
  });
  proxy.change({}, { routes });
  const block = proxy.memory.workers[0];
  expect(block.mirrorKeys).not.toContain(mirrorKey(ROUTE, "shadow"));
  waiting.resolve();
  await eventually(() => proxy.inFlight === 0);
  expect(block.mirrorFigures.every((figure) => figure === 0)).toBe(true);
});

describe("what is not", () => {
  test("a body that does not come with the head, or is long", async () => {
    const server = await Backend.answering(({ body }) => ok(`${body.length}`));
    const shadow = await asked();
    const proxy = mirroring(server, [shadow.backend]);
    const client = await proxy.connect();
    await client.send(get("/", "Content-Length: 2\r\n", "PUT"));
    await eventually(() => proxy.inFlight === 1);
    await client.send("hi");
    expect((await client.message()).body.toString()).toBe("2");
    await client.send(get("/", "Content-Length: 600000\r\n", "PUT"));
    await client.pump(Buffer.alloc(600_000, 97));
    expect((await client.message()).body.toString()).toBe("600000");
    expect(figures(proxy)[MirrorWord.SKIPPED_BODY]).toBe(2);
    expect(shadow.requests).toEqual([]);
    client.destroy();
  });

  test("a request for another protocol", async () => {
    const server = await asked("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
    const shadow = await asked();
    const proxy = mirroring(server.backend, [shadow.backend]);
    expect((await proxy.ask(get("/", "Connection: Upgrade\r\nUpgrade: x\r\n"), { noBody: true })).status).toBe(101);
    expect(figures(proxy)[MirrorWord.SKIPPED_UPGRADE]).toBe(1);
  });

  test("one that no server has room for, or that there are too many of", async () => {
    const hanging = await silent();
    const server = await asked();
    const proxy = mirroring(server.backend, [{ port: hanging.port, hardLimit: 300 }]);
    const client = await proxy.connect();
    for (let i = 0; i < 260; i++) {
      await client.send(get());
      expect((await client.message()).status).toBe(200);
    }
    expect(figures(proxy)[MirrorWord.SKIPPED_BUSY]).toBe(4);
    proxy.setTargets([server.backend]);
    await client.send(get());
    await client.message();
    expect(figures(proxy)[MirrorWord.SKIPPED_BUSY]).toBe(5);
    hanging.stop();
    await eventually(() => proxy.inFlight === 0);
    await client.send(get());
    await client.message();
    expect(figures(proxy)[MirrorWord.SKIPPED_NO_SERVER]).toBe(1);
    client.destroy();
  });
});

describe("the request does not notice that the mirror", () => {
  const cases: readonly [what: string, start: () => Promise<Target>, word: number, shadow?: Options["shadow"]][] = [
    ["is not there", async () => ({ port: 1 }), MirrorWord.FAILED],
    ["hangs", silent, MirrorWord.FAILED, { responseHeadTimeoutMs: 300 }],
    [
      "cuts",
      () =>
        Backend.start(async (connection) => {
          await connection.message();
          connection.destroy();
        }),
      MirrorWord.FAILED,
    ],
    [
      "cuts its answer",
      () =>
        Backend.start(async (connection) => {
          await connection.message();
          await connection.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
          connection.destroy();
        }),
      MirrorWord.FAILED,
    ],
    ["talks nonsense", async () => (await asked("nonsense\r\n\r\n")).backend, MirrorWord.FAILED],
    [
      "answers without an end",
      () =>
        Backend.start(async (connection) => {
          await connection.message();
          await connection.send("HTTP/1.1 200 OK\r\n\r\n");
          while (connection.ended === null) await connection.pump(Buffer.alloc(65_536, 97));
        }),
      MirrorWord.COMPLETED,
    ],
    [
      "answers slowly",
      () =>
        Backend.start(async (connection) => {
          await connection.message();
          await connection.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
        }),
      MirrorWord.COMPLETED,
      { responseBodyTimeoutMs: 300 },
    ],
    [
      "answers until it closes",
      () =>
        Backend.start(async (connection) => {
          await connection.message();
          await connection.send("HTTP/1.1 200 OK\r\n\r\nall of it");
          connection.socket.end();
        }),
      MirrorWord.COMPLETED,
    ],
  ];
  test.each(cases.map(([what, ...rest]) => [what, rest] as const))("%s", async (_what, [start, word, shadow]) => {
    const proxy = mirroring((await asked()).backend, [await start()], { shadow });
    const client = await proxy.connect();
    for (let i = 0; i < 3; i++) {
      await client.send(get("/", "Content-Length: 2\r\n", "PUT"), "hi");
      expect((await client.message()).body.toString()).toBe("fine");
      await client.send(get());
      expect((await client.message()).body.toString()).toBe("fine");
    }
    await eventually(() => figures(proxy)[word] >= 3 && proxy.inFlight === 0);
    client.destroy();
  });

  test("is told of, when it does not read: what it was to get is given up", async () => {
    const stuck = await Backend.start((connection) => connection.socket.pause());
    const proxy = mirroring((await asked()).backend, [stuck], { shadow: { responseHeadTimeoutMs: 300 } });
    expect((await proxy.ask(`${get("/", "Content-Length: 200000\r\n", "PUT")}${"x".repeat(200_000)}`)).status).toBe(
      200,
    );
    await eventually(() => proxy.inFlight === 0);
    expect(figures(proxy)[MirrorWord.FAILED] + figures(proxy)[MirrorWord.SKIPPED_BODY]).toBe(1);
  });
});

describe("the two are compared", () => {
  test.each([
    ["the mirror answers last", false],
    ["the request is answered last", true],
  ])("when %s", async (_what, mirrorFirst) => {
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const late = await Backend.start(async (connection) => {
      await connection.message();
      await held;
      await connection.send(ok());
    });
    const early = await asked("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n");
    const proxy = mirrorFirst ? mirroring(late, [early.backend]) : mirroring(early.backend, [late]);
    const client = await proxy.connect();
    await client.send(get());
    if (mirrorFirst) await counted(proxy, MirrorWord.COMPLETED, 1);
    else expect((await client.message()).status).toBe(404);
    release();
    if (mirrorFirst) expect((await client.message()).status).toBe(200);
    await counted(proxy, MirrorWord.OTHER_STATUS, 1);
    const now = figures(proxy);
    expect(now[MirrorWord.SAME_STATUS]).toBe(0);
    const [slow, quick] = mirrorFirst
      ? [MirrorWord.PRIMARY_LATENCY_SUM_MS, MirrorWord.MIRROR_LATENCY_SUM_MS]
      : [MirrorWord.MIRROR_LATENCY_SUM_MS, MirrorWord.PRIMARY_LATENCY_SUM_MS];
    expect(now[slow]).toBeGreaterThan(0);
    expect(now[quick]).toBeGreaterThan(0);
    const buckets = (at: number) => now.slice(at, at + 14).reduce((sum, n) => sum + n, 0);
    expect([buckets(MirrorWord.PRIMARY_LATENCY), buckets(MirrorWord.MIRROR_LATENCY)]).toEqual([1, 1]);
    client.destroy();
  });

  test("a client that leaves takes nothing from the mirror", async () => {
    const hanging = await silent();
    const shadow = await asked();
    const proxy = mirroring(hanging, [shadow.backend]);
    const client = await proxy.connect();
    await client.send(get());
    await eventually(() => shadow.requests.length === 1);
    client.destroy();
    await counted(proxy, MirrorWord.COMPLETED, 1);
    await eventually(() => proxy.inFlight === 0);
  });

  test("figures live on over a reload, and start anew for another pool", async () => {
    const proxy = mirroring((await asked()).backend, [(await asked()).backend]);
    await proxy.ask(get());
    await counted(proxy, MirrorWord.SAME_STATUS, 1);
    proxy.change({ queueSize: 7 });
    await proxy.ask(get());
    await counted(proxy, MirrorWord.SAME_STATUS, 2);
    proxy.change({}, { routes: [{ ...toPool("default"), number: ROUTE, mirror: { pool: "default", percent: 100 } }] });
    await proxy.ask(get());
    const block = proxy.memory.workers[0];
    const own = () => mirrorFigures(block, block.mirrorKeys.indexOf(mirrorKey(ROUTE, "default")));
    await eventually(() => own()[MirrorWord.SAME_STATUS] === 1);
  });
});

test("a pool that melts down under what is mirrored costs the requests nothing", async () => {
  const server = await Backend.answering(({ body }) => ok(`${body.length}`));
  const hanging = await silent();
  const deaf = await Backend.start((connection) => connection.socket.pause());
  const cutting = await Backend.start(async (connection) => {
    await connection.message();
    connection.destroy();
  });
  const endless = await Backend.start(async (connection) => {
    await connection.message();
    await connection.send("HTTP/1.1 200 OK\r\n\r\n");
    while (connection.ended === null) await connection.pump(Buffer.alloc(65_536, 97));
  });
  const proxy = mirroring(server, [hanging, deaf, cutting, endless, { port: 1 }], {
    settings: { queueSize: 0 },
    shadow: { responseHeadTimeoutMs: 1000 },
  });
  const body = "x".repeat(20_000);
  const clients = await Promise.all(Array.from({ length: 20 }, () => proxy.connect()));
  await Promise.all(
    clients.map(async (client) => {
      for (let i = 0; i < 30; i++) {
        await client.send(`${get("/", `Content-Length: ${body.length}\r\n`, "POST")}${body}`);
        const answer = await client.message();
        expect([answer.status, answer.body.toString()]).toEqual([200, `${body.length}`]);
      }
    }),
  );
  for (const client of clients) client.destroy();
  // Whatever became of the copies, each is accounted for, and the servers' own pool has seen each request once.
  const block = proxy.memory.workers[0];
  expect([block.responses[0], block.failures[0], proxy.counter("RETRIES")]).toEqual([600, 0, 0]);
  expect(server.connections.length).toBeLessThanOrEqual(clients.length);
  await eventually(() => {
    const words = Object.entries(MirrorWord).filter(([name]) => /^(COMPLETED|FAILED|SKIPPED_.*)$/.test(name));
    return words.reduce((sum, [, word]) => sum + figures(proxy)[word], 0) === 600;
  });
  expect(figures(proxy)[MirrorWord.FAILED]).toBeGreaterThan(0);
  await eventually(() => proxy.inFlight === 0);
});
