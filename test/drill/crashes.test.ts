/** Our own processes die: workers, the supervisor, all of them in an orderly way. */
import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { dirname } from "node:path";
import { claimRuntimeDirectory } from "../../src/control/supervisor/runtime-directory.ts";
import { removeRuntimeDirectory } from "../../src/shared/memory/file.ts";
import { endedAfterAll } from "../support/ended-after-all.ts";
import { Wire } from "../support/wire.ts";
import {
  answer,
  type Behaviour,
  descriptorsOf,
  figures,
  isAlive,
  isGood,
  Load,
  Product,
  request,
  serversOn,
  startScripted,
  taking,
  until,
} from "./fixture.ts";

const open = endedAfterAll();

async function start(behaviours: readonly Behaviour[], settings: Record<string, string> = {}): Promise<Product> {
  const servers = await startScripted(...behaviours);
  const product = await new Product({ SERVERS: serversOn(...servers), ...settings }).ready();
  open.push(product, ...servers);
  return product;
}

/** Runtime directories of one supervisor. */
function runtimeDirectories(pid: number): string[] {
  const mine = claimRuntimeDirectory();
  removeRuntimeDirectory(mine.path);
  return readdirSync(dirname(mine.path)).filter((name) => name.startsWith(`neurabalancer-${pid}-`));
}

async function workerPids(product: Product): Promise<number[]> {
  return (await product.status()).workers.map(({ pid }) => pid);
}

describe("crashes", () => {
  test("kill -9 of workers under load, ten times: the other one serves, counters end exact", async () => {
    const product = await start([taking(25), taking(25), taking(25)]);
    const running = new Load(150, () => request(product.port));
    const gaps: number[] = [];
    for (let kill = 0; kill < 10; kill++) {
      await Bun.sleep(150);
      const [victim] = (await workerPids(product)).slice(kill % 2);
      const killedMs = performance.now();
      process.kill(victim, "SIGKILL");
      await until(async () => {
        const { workers } = await product.status();
        return workers.every(({ pid, state }) => state === "ready" && pid !== victim);
      });
      gaps.push(Math.round(performance.now() - killedMs));
    }
    await Bun.sleep(150);
    const seen = await running.stop();
    figures("ten workers killed", seen, { readyAgainMs: gaps });
    // What a dead worker held is lost and nothing else: about 150/s × 25 ms / 2 workers for each, and its accept queue.
    expect(seen.failedShare).toBeLessThan(0.15);
    expect(Object.keys(seen.why).filter((why) => /^\d/.test(why))).toEqual([]);
    await until(async () => (await product.inFlight()) === 0);
    await Bun.sleep(500);
    expect(await product.inFlight()).toBe(0);
    expect(await product.metric('worker_restarts_total{reason="exit"}')).toBe(10);
    await until(async () => (await product.metric("connections_open ")) === 0);
    const counted = await product.metric('http_requests_total{method="GET",path="/*",status="200"');
    const good = seen.outcomes.filter(isGood).length;
    // Between a response's last byte and its count a worker may be held up, and killed then: one for each kill.
    expect(counted).toBeGreaterThanOrEqual(good - 10);
    expect(counted).toBeLessThanOrEqual(seen.sent);
  });

  test("an answer until close that a worker does not live to finish is never taken for complete", async () => {
    const product = await start([
      (socket, path) => {
        socket.write("HTTP/1.1 200 OK\r\n\r\nhalf");
        if (path.includes("whole")) socket.end();
      },
    ]);
    for (const how of ["kill", "stop"] as const) {
      const wholes = await Promise.all([1, 2, 3].map(() => Wire.connect(product.port)));
      for (const whole of wholes) {
        await whole.send("GET /whole HTTP/1.1\r\nHost: a\r\n\r\n");
        expect((await whole.message()).body.toString()).toBe("half");
      }
      const clients = await Promise.all(Array.from({ length: 8 }, () => Wire.connect(product.port)));
      for (const client of clients) await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      for (const client of clients) await client.until(() => client.text.endsWith("half"));
      if (how === "kill") for (const pid of await workerPids(product)) process.kill(pid, "SIGKILL");
      else product.process.kill("SIGTERM");
      for (const client of clients) expect(await client.end()).toBe("reset");
      if (how === "kill") {
        await until(async () =>
          (await product.status()).workers.every(({ state, restarts }) => state === "ready" && restarts > 0),
        );
      }
    }
  });

  test("kill -9 of the supervisor under load: workers finish and go, and the next start cleans up", async () => {
    const product = await start([taking(200)]);
    const workers = await workerPids(product);
    const running = new Load(60, () => request(product.port));
    await until(() => running.sent > 40);
    await running.caughtUp(); // however long the workers took
    product.process.kill("SIGKILL");
    await product.process.exited;
    await until(() => !workers.some(isAlive));
    const seen = await running.stop();
    const begun = seen.outcomes.filter(({ status }) => status > 0);
    figures("supervisor killed", seen, { begun: begun.length });
    expect(begun.length).toBeGreaterThan(20);
    expect(begun.filter((outcome) => !isGood(outcome))).toEqual([]);
    expect(runtimeDirectories(product.process.pid).length).toBe(1);
    const next = await start([answer]);
    expect(runtimeDirectories(product.process.pid)).toEqual([]);
    expect(next.count("removed what a dead instance left behind")).toBe(1);
    expect(isGood(await request(next.port))).toBe(true);
  });

  test("SIGTERM under load: readiness fails first, and no request is lost", async () => {
    const product = await start([taking(100), taking(100)], { SHUTDOWN_GRACE_SECONDS: "5" });
    const pids = await workerPids(product);
    // As a load balancer before this one does: ask for readiness, send while the response is yes.
    let ready = true;
    const watching = (async () => {
      while (ready) {
        ready = (await request(product.port, { path: "/health/ready" })).status === 200;
        await Bun.sleep(20);
      }
    })();
    const running = new Load(150, () => request(product.port));
    await until(() => running.sent > 60);
    product.process.kill("SIGTERM");
    await watching;
    const seen = await running.stop();
    figures("SIGTERM", seen);
    expect(seen.sent).toBeGreaterThan(40);
    expect(seen.why).toEqual({});
    expect(await product.process.exited).toBe(0);
    expect(pids.some(isAlive)).toBe(false);
    expect(runtimeDirectories(product.process.pid)).toEqual([]);
  });

  test("a hundred reloads under load: no request fails, no descriptor stays open", async () => {
    const servers = await startScripted(answer, answer);
    const product = await new Product({ SERVERS: serversOn(...servers), UPSTREAM_IDLE_TIMEOUT_MS: "500" }).ready();
    open.push(product, ...servers);
    const pids = [product.process.pid, ...(await workerPids(product))];
    /** Open descriptors at rest: the least of several looks, as probes come and go. */
    const settled = async () => {
      await until(async () => (await product.metric("upstream_idle_connections")) === 0);
      const least = pids.map(descriptorsOf);
      for (let look = 0; look < 10; look++) {
        await Bun.sleep(50);
        pids.forEach((pid, i) => {
          least[i] = Math.min(least[i], descriptorsOf(pid));
        });
      }
      return least;
    };
    const both = serversOn(...servers);
    const reload = (i: number) =>
      product.reload({
        SERVERS: i % 2 === 0 ? serversOn(servers[0]) : both,
        LB_STRATEGY: i % 3 === 0 ? "p2c" : "least_connections",
        ACCESS_LOG: i % 2 === 0 ? "off" : "on",
        LOG_LEVEL: i % 4 < 2 ? "info" : "debug",
      });
    for (let i = 0; i < 10; i++) await reload(i);
    const rss = async () =>
      Promise.all(
        pids.map((_, i) =>
          product.metric(`process_resident_memory_bytes{process="${i === 0 ? "supervisor" : `worker-${i - 1}`}"}`),
        ),
      );
    const before = { descriptors: await settled(), rss: await rss() };
    const running = new Load(100, () => request(product.port));
    for (let i = 10; i < 110; i++) await reload(i);
    const seen = await running.stop();
    const after = { descriptors: await settled(), rss: await rss() };
    const megabytes = (bytes: number[]) => bytes.map((b) => Math.round(b / 2 ** 20));
    figures("100 reloads", seen, {
      descriptors: [before.descriptors, after.descriptors],
      rssMb: [megabytes(before.rss), megabytes(after.rss)],
    });
    expect(seen.sent).toBeGreaterThan(100);
    expect(seen.why).toEqual({});
    expect(await product.metric('config_reloads_total{result="success"}')).toBe(110);
    expect((await product.status()).workers.map(({ pid }) => pid)).toEqual(pids.slice(1));
    expect(after.descriptors).toEqual(before.descriptors);
    after.rss.forEach((bytes, i) => {
      expect(bytes).toBeLessThan(before.rss[i] + 48 * 2 ** 20);
    });
  });
});
