/** Learned limits over real sockets, in one worker and in two of the same instance: who is held, for how long, and who is not. */
import { afterEach, describe, expect, test } from "bun:test";
import { type ClientHttp2Session, connect } from "node:http2";
import { LearnerWord } from "../../../../src/shared/memory/layout/learning.ts";
import { MirrorWord, mirrorFigures, mirrorKey } from "../../../../src/shared/memory/mirror-table.ts";
import {
  Backend,
  cleanUp,
  eventually,
  get,
  ok,
  type ProxyOptions,
  type Target,
  TestProxy,
} from "../../../support/proxy-harness.ts";
import { type TestSettings, toPool } from "../../../support/proxy-settings.ts";
import type { WireMessage } from "../../../support/wire.ts";

afterEach(cleanUp);

const REQUESTS = 10_000;
const CLIENTS = 48;

/** A backend that answers when told to, and knows how many requests it has. */
async function slow(name = "slow") {
  const waiting: (() => void)[] = [];
  const backend = await Backend.answering(async ({ startLine }) => {
    await new Promise<void>((answer) => waiting.push(answer));
    return ok(`${name} ${startLine.split(" ")[1]}`);
  });
  const release = async () => {
    await eventually(() => waiting.length > 0);
    waiting.shift()?.();
  };
  return { backend, waiting, release };
}

/** One that answers at once, and tells how many requests it ever had at a time. */
async function quick() {
  const seen = { now: 0, most: 0, count: 0 };
  const backend = await Backend.answering(async () => {
    seen.count++;
    seen.most = Math.max(seen.most, ++seen.now);
    await Promise.resolve();
    seen.now--;
    return ok("quick");
  });
  return { backend, seen };
}

function holding(targets: readonly Target[], settings: Partial<TestSettings> = {}, more: ProxyOptions = {}): TestProxy {
  return new TestProxy(targets, { settings: { learnsLimits: true, ...settings }, ...more });
}

/** `proxy` asks for `path`, and that many requests wait then in it. */
async function askHeld(proxy: TestProxy, path: string, waiting: number): Promise<{ answer: Promise<WireMessage> }> {
  const answer = proxy.ask(get(path));
  await eventually(() => proxy.counter("QUEUE_LENGTH") === waiting);
  return { answer };
}

describe("one worker", () => {
  test("a server gets as many as its limit says, the others wait and are served in order", async () => {
    const { backend, waiting, release } = await slow();
    const proxy = holding([backend]);
    proxy.learn([2]);
    const answers: Promise<WireMessage>[] = [];
    for (let i = 0; i < 6; i++) {
      answers.push(proxy.ask(get(`/${i}`)));
      await eventually(() => proxy.inFlight + proxy.counter("QUEUE_LENGTH") === i + 1);
    }
    await eventually(() => waiting.length === 2);
    expect([proxy.queue("WAITING"), proxy.queue("HELD_NOW")]).toEqual([4, 4]);
    for (let i = 0; i < 6; i++) {
      await release();
      expect((await answers[i]).body.toString()).toBe(`slow /${i}`);
      expect(proxy.inFlight).toBeLessThanOrEqual(2);
    }
    expect([proxy.queue("HELD"), proxy.queue("WAITING"), proxy.queue("SENT_ANYWAY")]).toEqual([4, 0, 0]);
    const [sum, ...buckets] = proxy.memory.workers[0].heldWaits;
    expect([sum > 0, buckets.reduce((total, count) => total + count, 0)]).toEqual([true, 4]);
  });

  test("nobody is held while another server has room", async () => {
    const [a, b] = [await slow("a"), await quick()];
    const proxy = holding([a.backend, b.backend], { strategy: "least_connections" });
    proxy.learn([1, 0]);
    const first = await Promise.all([proxy.connect(), proxy.connect()]);
    for (const client of first) await client.send(get());
    await eventually(() => a.waiting.length === 1);
    for (let i = 0; i < 6; i++) expect((await proxy.ask(get())).body.toString()).toBe("quick");
    expect(proxy.queue("WAITS")).toBe(0);
  });

  test("who is held for as long as the patience is sent anyway", async () => {
    const { backend, waiting, release } = await slow();
    const proxy = holding([backend]);
    proxy.learn([1], 100);
    const answers = [proxy.ask(get("/a")), proxy.ask(get("/b"))];
    await eventually(() => waiting.length === 2);
    expect(proxy.queue("SENT_ANYWAY")).toBe(1);
    await release();
    await release();
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200]);
  });

  test("QUEUE_TIMEOUT_MS is the most that anybody is held, and refuses nobody for it", async () => {
    const { backend, waiting, release } = await slow();
    const proxy = holding([backend], { queueTimeoutMs: 150 });
    proxy.learn([1], 60_000);
    const answers = [proxy.ask(get("/a")), proxy.ask(get("/b"))];
    await eventually(() => waiting.length === 2);
    await release();
    await release();
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200]);
    expect(proxy.counter("QUEUE_TIMEOUTS")).toBe(0);
  });

  test.each([
    ["the guardrail says so", (proxy: TestProxy) => proxy.memory.learned[0].words.fill(0, LearnerWord.HOLDING)],
    ["the setting is turned off", (proxy: TestProxy) => proxy.change({ learnsLimits: false })],
    ["the limit becomes higher", (proxy: TestProxy) => proxy.learn([8])],
  ])("those who wait go on when %s", async (_, change) => {
    const { backend, waiting } = await slow();
    const proxy = holding([backend]);
    proxy.learn([1]);
    const first = proxy.ask(get("/a"));
    await eventually(() => waiting.length === 1);
    const { answer } = await askHeld(proxy, "/b", 1);
    change(proxy);
    await eventually(() => waiting.length === 2);
    for (const each of waiting) each();
    expect((await Promise.all([first, answer])).map(({ status }) => status)).toEqual([200, 200]);
    expect(proxy.queue("SENT_ANYWAY")).toBe(0);
  });

  test("a reload and another strategy leave them where they are", async () => {
    const { backend, release } = await slow();
    const proxy = holding([backend]);
    proxy.learn([1]);
    const first = proxy.ask(get("/a"));
    await eventually(() => proxy.inFlight === 1);
    const { answer } = await askHeld(proxy, "/b", 1);
    proxy.change({ strategy: "adaptive", maxHeaderCount: 50 });
    expect(proxy.counter("QUEUE_LENGTH")).toBe(1);
    await release();
    await first;
    await release();
    expect((await answer).body.toString()).toBe("slow /b");
  });

  test("a client that goes away leaves at once", async () => {
    const { backend, release } = await slow();
    const proxy = holding([backend]);
    proxy.learn([1]);
    const first = proxy.ask(get("/a"));
    await eventually(() => proxy.inFlight === 1);
    const leaving = await proxy.connect();
    await leaving.send(get("/left"));
    await eventually(() => proxy.counter("QUEUE_LENGTH") === 1);
    leaving.reset();
    await eventually(() => proxy.counter("QUEUE_LENGTH") === 0);
    expect(proxy.queue("LEFT")).toBe(1);
    await release();
    await first;
    expect(backend.connections[0].text).not.toContain("/left");
  });

  test("streams of HTTP/2 are held like requests, and one that is reset leaves", async () => {
    const { backend, release } = await slow();
    const proxy = holding([backend]);
    proxy.learn([1]);
    const session: ClientHttp2Session = connect(`http://127.0.0.1:${proxy.port}`);
    try {
      const streams = ["/a", "/b", "/c"].map((path) => session.request({ ":path": path, ":authority": "a.example" }));
      await eventually(() => proxy.counter("QUEUE_LENGTH") === 2);
      const bodies = [streams[0], streams[2]].map(async (stream) => {
        let body = "";
        for await (const chunk of stream) body += chunk;
        return body;
      });
      streams[1].on("error", () => {});
      streams[1].close(8);
      await eventually(() => proxy.queue("LEFT") === 1);
      await release();
      await release();
      expect(await Promise.all(bodies)).toEqual(["slow /a", "slow /c"]);
    } finally {
      session.destroy();
    }
  });
});

describe("requests that are none of the usual ones", () => {
  const stream = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
  const upgrade = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n";
  const wantsUpgrade = "Connection: Upgrade\r\nUpgrade: chat\r\n";

  test.each([
    ["an event stream", stream, ""],
    ["a tunnel", upgrade, wantsUpgrade],
  ])("%s keeps nobody waiting once it has begun, and gives its place back once", async (_, head, fields) => {
    const backend = await Backend.start(async (server) => {
      for (;;) {
        const { startLine } = await server.message();
        await server.send(startLine.includes("/long") ? head : ok("short"));
        if (startLine.includes("/long")) return;
      }
    });
    const proxy = holding([backend]);
    proxy.learn([1], 60_000);
    const long = await Promise.all([proxy.connect(), proxy.connect(), proxy.connect()]);
    for (const [i, client] of long.entries()) {
      await client.send(get("/long", fields));
      await eventually(() => proxy.memory.servers.transferring[0] === i + 1);
    }
    expect([proxy.inFlight, proxy.memory.workers[0].ownTransferring[0]]).toEqual([3, 3]);
    for (let i = 0; i < 3; i++) expect((await proxy.ask(get("/short"))).body.toString()).toBe("short");
    expect([proxy.queue("WAITS"), proxy.memory.servers.transferring[0]]).toEqual([0, 3]);
    for (const client of long) client.reset(); // a tunnel outlives the FIN of one side
    await eventually(() => proxy.inFlight === 0);
    expect([proxy.memory.servers.transferring[0], proxy.memory.workers[0].ownTransferring[0]]).toEqual([0, 0]);
  });

  test("who uploads slowly keeps nobody waiting, and has a place once all has come", async () => {
    const { backend, waiting, release } = await slow();
    const proxy = holding([backend]);
    proxy.learn([1], 60_000);
    const upload = await proxy.connect();
    await upload.send("POST /upload HTTP/1.1\r\nHost: a.example\r\nContent-Length: 4\r\n\r\nab");
    await eventually(() => proxy.memory.servers.transferring[0] === 1);
    const short = proxy.ask(get("/short"));
    await release();
    expect((await short).body.toString()).toBe("slow /short");
    await upload.send("cd");
    await eventually(() => waiting.length === 1);
    expect([proxy.queue("WAITS"), proxy.memory.servers.transferring[0], proxy.inFlight]).toEqual([0, 0, 1]);
    const { answer } = await askHeld(proxy, "/held", 1);
    await release();
    expect((await upload.message()).body.toString()).toBe("slow /upload");
    await release();
    expect((await answer).body.toString()).toBe("slow /held");
  });

  test("a response that begins lets the one in that waits", async () => {
    const backend = await Backend.start(async (server, index) => {
      await server.message();
      if (index > 0) return void (await server.send(ok("second")));
      await eventually(() => proxy.counter("QUEUE_LENGTH") === 1);
      await server.send(stream);
    });
    const proxy = holding([backend]);
    proxy.learn([1], 60_000);
    const first = await proxy.connect();
    await first.send(get("/a"));
    await eventually(() => proxy.inFlight === 1);
    expect((await proxy.ask(get("/b"))).body.toString()).toBe("second");
    expect([proxy.queue("SENT_ANYWAY"), proxy.inFlight]).toEqual([0, 1]);
  });

  test("a retry waits for a server with room instead of failing, or asking the one that failed", async () => {
    const { backend, waiting, release } = await slow();
    const proxy = holding([backend, { port: 1 }], { strategy: "round_robin" });
    proxy.learn([1, 1]);
    const first = proxy.ask(get("/a"));
    await eventually(() => waiting.length === 1);
    const second = proxy.ask(get("/b"));
    await eventually(() => proxy.counter("QUEUE_LENGTH") === 1);
    await release();
    await release();
    expect((await Promise.all([first, second])).map(({ status }) => status)).toEqual([200, 200]);
  });

  test("a response of 5xx is replaced by that of a server at its limit rather than not at all", async () => {
    const failing = await Backend.answering(() => "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n");
    const { backend, waiting } = await slow();
    const proxy = holding([failing, backend], { retryOnStatus: [503] });
    proxy.learn([2, 1]);
    const answers: Promise<WireMessage>[] = [];
    for (let i = 1; i <= 3; i++) {
      answers.push(proxy.ask(get(`/${i}`))); // whichever of the two is asked first, the second one has it in the end
      await eventually(() => waiting.length === i);
    }
    for (const answer of waiting) answer();
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(proxy.counter("RETRIES")).toBeGreaterThan(0);
  });

  test("a hedge is not held, and not sent to a server at its limit either", async () => {
    const [a, b, c, d] = await Promise.all(["a", "b", "c", "d"].map(slow));
    const targets = [a, b, c, d].map(({ backend: { port } }, at) => ({ port, pool: at >> 1 }));
    const match = { hosts: [], paths: [{ kind: "prefix", value: "/beside" } as const], methods: [], headers: [] };
    const proxy = new TestProxy(targets, {
      settings: { learnsLimits: true, hedgeAfterMs: 20, hedgeBudgetPercent: 100 },
      pools: [
        { row: 0, name: "default" },
        { row: 1, name: "beside" },
      ],
      routes: [
        { ...toPool("beside"), number: 20, name: "beside", match },
        { ...toPool("default"), number: 21, name: "rest" },
      ],
    });
    proxy.learn([1, 1]);
    // The first one is sent once, whatever happens: when the second one comes, no other server has room.
    const answers = [proxy.ask(get("/1", "Content-Length: 0\r\n", "POST"))];
    await eventually(() => a.waiting.length + b.waiting.length === 1);
    answers.push(proxy.ask(get("/2")));
    await eventually(() => a.waiting.length === 1 && b.waiting.length === 1);
    // One of another pool is hedged: the time of the second one, which came before, has passed.
    answers.push(proxy.ask(get("/beside")));
    await eventually(() => c.waiting.length === 1 && d.waiting.length === 1);
    expect(proxy.counter("HEDGES")).toBe(1);
    const third = proxy.ask(get("/3"));
    await eventually(() => proxy.counter("QUEUE_LENGTH") === 1);
    for (const server of [a, b, c]) await server.release();
    await Promise.all(answers);
    await eventually(() => a.waiting.length + b.waiting.length >= 1);
    await (a.waiting.length > 0 ? a : b).release();
    await third;
    expect(proxy.counter("HEDGES")).toBeLessThanOrEqual(2); // also of the third, when both had room again
  });

  test("a question of forward_auth is asked whatever was learned, a copy is left out", async () => {
    const { backend: server } = await quick();
    const { backend: shadow, waiting } = await slow("shadow");
    const auth = await slow("auth");
    const pools = [
      { row: 0, name: "default" },
      { row: 1, name: "shadow" },
      { row: 2, name: "auth" },
    ];
    const forwardAuth = { pool: "auth", path: "/ask", requestHeaders: [], responseHeaders: [], timeoutMs: 5000 };
    const mirror = { pool: "shadow", percent: 100 };
    const proxy = new TestProxy([server, { port: shadow.port, pool: 1 }, { port: auth.backend.port, pool: 2 }], {
      settings: { learnsLimits: true },
      pools,
      routes: [{ ...toPool("default"), number: 20, name: "shop", mirror, forwardAuth }],
    });
    proxy.learn([0, 1, 1], 10_000, [0, 1, 2]);
    const first = [proxy.ask(get("/1")), proxy.ask(get("/2"))];
    await eventually(() => auth.waiting.length === 2);
    for (const answer of auth.waiting.splice(0)) answer();
    expect((await Promise.all(first)).map(({ status }) => status)).toEqual([200, 200]);
    await eventually(() => waiting.length === 1);
    const block = proxy.memory.workers[0];
    const figures = mirrorFigures(block, block.mirrorKeys.indexOf(mirrorKey(20, "shadow")));
    expect(figures[MirrorWord.COMPLETED]).toBe(0);
    waiting[0]();
    await eventually(() => figures[MirrorWord.COMPLETED] === 1);
    expect(waiting.length).toBe(1);
  });
});

describe("two workers of one instance", () => {
  test("one that frees a place wakes the other, and who has waited longest is served first", async () => {
    const { backend, waiting, release } = await slow();
    // Both share one thread, which may be taken from them for longer than workers wait for each other.
    const a = holding([backend], {}, { graceMs: 60_000 });
    const b = holding([backend], {}, { graceMs: 60_000, beside: a });
    a.learn([1]);
    const first = a.ask(get("/first"));
    await eventually(() => waiting.length === 1);
    const second = await askHeld(b, "/second", 1);
    await Bun.sleep(5); // more than two workers' waits may differ by (neighbours.ts)
    const third = await askHeld(a, "/third", 1);
    await release();
    await first;
    await release();
    expect((await second.answer).body.toString()).toBe("slow /second");
    await release();
    expect((await third.answer).body.toString()).toBe("slow /third");
    expect(a.queue("WAKES_SENT") + b.queue("WAKES_SENT")).toBe(2);
    expect([a.counter("WAKES_DEGRADED"), a.inFlight]).toEqual([0, 0]);
  });

  test("nothing is lost of 10,000 requests through limits, and no limit is broken", async () => {
    const servers = await Promise.all([quick(), quick(), quick()]);
    const targets = servers.map(({ backend }, i) => ({ port: backend.port, hardLimit: i + 2 }));
    const a = holding(targets);
    const b = holding(targets, {}, { beside: a });
    a.learn([1, 2, 4], 60_000);
    let left = REQUESTS;
    const statuses = new Map<number, number>();
    const client = async (proxy: TestProxy) => {
      const wire = await proxy.connect();
      while (left-- > 0) {
        await wire.send(get());
        const { status } = await wire.message();
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
      wire.destroy();
    };
    await Promise.all(Array.from({ length: CLIENTS }, (_, i) => client(i % 2 === 0 ? a : b)));
    expect([...statuses]).toEqual([[200, REQUESTS]]);
    expect(servers.reduce((sum, { seen }) => sum + seen.count, 0)).toBe(REQUESTS);
    expect(servers.map(({ seen }, i) => seen.most <= i + 2)).toEqual([true, true, true]);
    for (const proxy of [a, b]) {
      expect([proxy.queue("WAITING"), proxy.queue("OLDEST_MS"), proxy.counter("QUEUE_LENGTH")]).toEqual([0, 0, 0]);
      expect(proxy.queue("HELD")).toBeGreaterThan(0);
    }
    // They looked by themselves only every 50 ms: what went between them was told.
    expect(a.queue("WAKES") + b.queue("WAKES")).toBeGreaterThan(0);
    expect([a.inFlight, [...a.memory.pools.waiters.subarray(0, 2)]]).toEqual([0, [0, 0]]);
  });
});
