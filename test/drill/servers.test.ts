/** Servers that fail in the ways that servers fail in, under load; each drill states the share of requests that may. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { endedAfterAll } from "../support/ended-after-all.ts";
import {
  answer,
  type Behaviour,
  figures,
  isGood,
  load,
  loadUntil,
  Product,
  report,
  request,
  serversOn,
  startScripted,
  startServerProcess,
  until,
} from "./fixture.ts";

const open = endedAfterAll();

async function start(behaviours: readonly Behaviour[], settings: Record<string, string> = {}) {
  const servers = await startScripted(...behaviours);
  const product = await new Product({
    SERVERS: serversOn(...servers),
    LB_STRATEGY: "round_robin",
    OUTLIER_BASE_EJECTION_SECONDS: "60", // who is ejected stays so to the end
    ...settings,
  }).ready();
  open.push(product, ...servers);
  return { servers, product };
}

const cut: Behaviour = (socket) => {
  socket.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", () => socket.resetAndDestroy());
};

describe.concurrent("failing servers", () => {
  test("gray failure: a server that swallows a fifth of its requests is ejected before many clients notice", async () => {
    const swallowing: Behaviour = (socket, path, count) => {
      if (count % 5 !== 0) answer(socket, path, count);
    };
    const { servers, product } = await start([answer, answer, swallowing], {
      RESPONSE_HEAD_TIMEOUT_MS: "2000", // sound servers on a busy machine answer within that
      OUTLIER_FAILURE_PERCENT: "10",
    });
    // As many are sent after it is ejected as before: how long that took on a busy machine is no part of the share.
    let sentBefore = 0;
    const isHalfTime = async (sent: number) => {
      if (sentBefore === 0 && (await product.server(servers[2].port)).state === "ejected") sentBefore = sent;
      return sentBefore > 0 && sent >= 2 * sentBefore;
    };
    const seen = await loadUntil(isHalfTime, 120, 0, () => request(product.port));
    const gray = await product.server(servers[2].port);
    figures("gray failure", seen, { state: gray.state });
    expect(seen.sent).toBeGreaterThan(100);
    expect(`${gray.state}: ${gray.reason}`).toStartWith("ejected");
    expect(seen.failedShare).toBeLessThan(0.06);
    expect(Object.keys(seen.why).every((why) => why === "504")).toBe(true);
  });

  test("resets in the middle of the body: the client sees each truncation, and the server is ejected", async () => {
    const { servers, product } = await start([answer, answer, cut]);
    const isEjected = async () => (await product.server(servers[2].port)).state === "ejected";
    const seen = await loadUntil(isEjected, 120, 2000, () => request(product.port));
    figures("resets mid-body", seen);
    expect((await product.server(servers[2].port)).state).toBe("ejected");
    expect(seen.failedShare).toBeLessThan(0.2);
    // Nobody may take three bytes of a hundred for a complete response.
    expect(seen.outcomes.filter((o) => o.status === 200 && o.complete && o.body === "abc")).toEqual([]);
    expect(seen.failed).toBeGreaterThan(0);
  });

  test("cut responses, one request at a time: their server is ejected for five in a row", async () => {
    // The share of its failures says nothing where there are so few.
    const { servers, product } = await start([answer, cut], { OUTLIER_FAILURE_PERCENT: "0" });
    let failed = 0;
    await until(async () => {
      if (!isGood(await request(product.port))) failed++;
      return (await product.server(servers[1].port)).state === "ejected";
    });
    expect((await product.server(servers[1].port)).reason).toContain("failures in a row");
    expect(failed).toBeGreaterThanOrEqual(5);
  });

  test("connection refused: requests go elsewhere, none fails", async () => {
    const { servers, product } = await start([answer, answer, answer]);
    await servers[1].stop();
    const seen = await load(120, 1500, () => request(product.port));
    figures("connection refused", seen);
    expect(seen.why).toEqual({});
    await until(async () => (await product.server(servers[1].port)).state === "down");
  });

  test("a stopped process (half open): probes find it, requests that hang are few, it comes back", async () => {
    const frozen = await startServerProcess();
    open.push(frozen);
    const [sound] = await startScripted(answer);
    const product = await new Product({
      SERVERS: serversOn(sound, frozen),
      LB_STRATEGY: "round_robin",
      RESPONSE_HEAD_TIMEOUT_MS: "2500",
      HEALTH_CHECK_TIMEOUT_SECONDS: "3",
      HEALTH_CHECK_RETRIES: "2",
    }).ready();
    open.push(product, sound);
    process.kill(frozen.pid, "SIGSTOP");
    const state = async () => (await product.server(frozen.port)).state;
    const isOut = async () => ["down", "ejected"].includes(await state());
    const seen = await loadUntil(isOut, 100, 8000, () => request(product.port));
    figures("stopped process", seen);
    expect(["down", "ejected"]).toContain(await state());
    expect(seen.failedShare).toBeLessThan(0.35);
    process.kill(frozen.pid, "SIGCONT");
    await until(async () => (await product.server(frozen.port)).state === "up");
    expect((await load(100, 500, () => request(product.port))).why).toEqual({});
  });

  test("a server that accepts and never answers: ejected, then no client waits for it", async () => {
    const { servers, product } = await start([answer, () => {}], { RESPONSE_HEAD_TIMEOUT_MS: "2000" });
    const isEjected = async () => (await product.server(servers[1].port)).state === "ejected";
    const first = await loadUntil(isEjected, 100, 5000, () => request(product.port));
    expect((await product.server(servers[1].port)).state).toBe("ejected");
    const after = await load(100, 1000, () => request(product.port));
    figures("never answers", first, { after: after.why });
    expect(first.failedShare).toBeLessThan(0.5);
    expect(after.why).toEqual({});
  });

  test("a name that can no longer be resolved keeps its last addresses, and no request fails", async () => {
    const [server] = await startScripted(answer);
    const names = join(import.meta.dir, "supervisor-process.ts");
    const product = new Product(
      { SERVERS: `http://app.example:${server.port}`, DNS_MIN_TTL_SECONDS: "0.2", DNS_MAX_TTL_SECONDS: "0.4" },
      { command: [process.execPath, names] },
    );
    open.push(product, server);
    await Bun.write(join(product.directory, "names.json"), JSON.stringify({ "app.example": ["127.0.0.1"] }));
    await product.ready();
    await Bun.write(join(product.directory, "names.json"), "{}");
    const failedTwice = async () => (await product.metric("dns_failures_total")) > 1;
    const seen = await loadUntil(failedTwice, 100, 1500, () => request(product.port));
    figures("name disappears", seen, { dnsFailures: await product.metric("dns_failures_total") });
    expect(seen.why).toEqual({});
    await until(() => product.said("the addresses last known stay in use"));
    expect(product.count("the addresses last known stay in use")).toBe(1);
    expect(await product.metric("dns_failures_total")).toBeGreaterThan(1);
    await Bun.write(join(product.directory, "names.json"), JSON.stringify({ "app.example": ["127.0.0.2"] }));
    await until(async () => (await (await product.admin("/api/v1/servers")).text()).includes('"address":"127.0.0.2"'));
  });

  test("clients that abort, and requests that are bad, never count against a server", async () => {
    const slow: Behaviour = (socket, path, count) => {
      if (path === "/teapot") socket.write("HTTP/1.1 418 No\r\nContent-Length: 0\r\n\r\n");
      else setTimeout(() => answer(socket, path, count), 150);
    };
    const { product } = await start([slow, slow], {
      OUTLIER_CONSECUTIVE_FAILURES: "1",
      REQUEST_BODY_TIMEOUT_MS: "300",
    });
    const kinds = [
      { abortAfterMs: 40 },
      { path: "/teapot" },
      { raw: "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" },
      { raw: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc", abortAfterMs: 60 },
      { raw: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\nConnection: close\r\n\r\nabc" },
      { raw: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nxyz\r\n" },
    ] as const;
    const aborts = async () => (await product.metric("client_aborts_total")) > 20;
    const bad = await loadUntil(aborts, 120, 1500, (i) => request(product.port, kinds[i % kinds.length]));
    await until(async () => (await product.inFlight()) === 0);
    const servers = await product.servers();
    figures("bad clients", report(bad.outcomes.filter((o) => o.status >= 500)), { sent: bad.sent });
    expect(servers.map(({ state, failures }) => ({ state, failures }))).toEqual([
      { state: "up", failures: 0 },
      { state: "up", failures: 0 },
    ]);
    expect(bad.outcomes.filter((o) => o.status >= 500)).toEqual([]);
    expect(await product.metric("client_aborts_total")).toBeGreaterThan(20);
    expect(isGood(await request(product.port))).toBe(true);
  });

  test("a recovered server gets its share little by little", async () => {
    const { servers, product } = await start([answer, answer], { SLOW_START_SECONDS: "24" });
    await servers[1].stop();
    await until(async () => (await product.server(servers[1].port)).state === "down");
    await servers[1].start();
    await until(async () => (await product.server(servers[1].port)).state === "up");
    const isEnough = (sent: number) => sent >= 100;
    const first = await loadUntil(isEnough, 150, 800, () => request(product.port));
    await until(async () => (await product.server(servers[1].port)).effective_weight === 1);
    const later = await loadUntil(isEnough, 150, 800, () => request(product.port));
    const share = ({ shares, sent }: typeof first) => (shares[servers[1].port] ?? 0) / sent;
    figures("recovery", report([...first.outcomes, ...later.outcomes]), { first: share(first), later: share(later) });
    expect(share(first)).toBeLessThan(0.35);
    expect(share(first)).toBeGreaterThan(0);
    expect(share(later)).toBeGreaterThan(0.4);
    expect([first.failed, later.failed]).toEqual([0, 0]);
  });
});
