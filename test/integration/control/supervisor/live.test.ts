/** What the page lives on, of a running instance that keeps no history: stream, last hour, time line, page, support bundle. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LiveFrame } from "../../../../src/shared/live/frame.ts";
import type { LiveRecent } from "../../../../src/shared/live/recent.ts";
import type { Timeline, TimelineEvent } from "../../../../src/shared/live/timeline.ts";
import type { LiveTopology } from "../../../../src/shared/live/topology.ts";
import { until } from "../../../support/until.ts";
import { neurabalancer, run } from "../../cli/spawn.ts";
import { Product } from "./product.ts";

/** None of them may be told to anybody. */
const SECRETS = {
  token: "operators-token-0123456789",
  sticky: "sticky-key-0123456789abcdef",
  probe: "probe-password-0123456789",
  collector: "collector-password-0123456789",
  header: "upstream-password-0123456789",
  query: "customers-query-0123456789",
  cookie: "customers-cookie-0123456789",
};

let healthy = true;
const first = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: ({ url }) => {
    if (url.endsWith("/health")) return new Response("", { status: healthy ? 200 : 503 });
    return new Response("first", { status: url.includes("/broken") ? 500 : 200 });
  },
});
const second = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("second") });
const nobody = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("") });
const product = new Product({
  CONFIG_FILE: "neurabalancer.yaml",
  APP_HOST: "127.0.0.1",
  APP_PORT: "0",
  ADMIN_PORT: "auto",
  WORKERS: "2",
  ADMIN_TOKEN: SECRETS.token,
  STICKY_KEYS: SECRETS.sticky,
  HEALTH_CHECK_PATH: "/health",
  HEALTH_CHECK_HEADERS: `X-Probe: ${SECRETS.probe}`,
  HEALTH_CHECK_INTERVAL_SECONDS: "1",
  HEALTH_CHECK_TIMEOUT_SECONDS: "300", // this process stands still while it waits for commands
  HEALTH_CHECK_RETRIES: "1",
  OUTLIER_EJECTION: "off",
  OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${nobody.port}`,
  OTEL_EXPORTER_OTLP_HEADERS: `authorization=${SECRETS.collector}`,
});
writeFileSync(
  join(product.directory, "neurabalancer.yaml"),
  `pools:
  shop:
    servers: ["http://127.0.0.1:${first.port}", "http://127.0.0.1:${second.port}"]
routes:
  - name: shop
    pool: shop
    request_headers: {set: {X-Upstream: ${SECRETS.header}}}
`,
);

beforeAll(() => product.ready(), 120_000);
afterAll(async () => {
  for (const stop of watching) stop.abort();
  await product.end();
  await Promise.all([first.stop(true), second.stop(true), nobody.stop(true)]);
});

const authorized = { authorization: `Bearer ${SECRETS.token}` };
const admin = (path: string, init: RequestInit = {}) =>
  product.admin(path, { ...init, headers: { ...authorized, ...init.headers } });
const asked = async <T>(path: string) => (await (await admin(path)).json()) as T;

const watching: AbortController[] = [];

interface Message {
  readonly event: string;
  readonly id: string;
  readonly data: unknown;
}

/** Watches, and tells what came. */
function watch(headers: Record<string, string> = {}) {
  const stop = new AbortController();
  watching.push(stop);
  const messages: Message[] = [];
  let status = 0;
  const read = async () => {
    const url = `http://127.0.0.1:${product.said("admin API listens")?.port}/api/v1/live`;
    const response = await fetch(url, { headers: { ...authorized, ...headers }, signal: stop.signal });
    status = response.status;
    let rest = "";
    const decoder = new TextDecoder();
    for await (const chunk of response.body as ReadableStream<Uint8Array>) {
      const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n\n");
      rest = parts.pop() ?? "";
      for (const part of parts) {
        const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(part)?.[1] ?? "";
        if (field("event") === "") continue;
        messages.push({ event: field("event"), id: field("id"), data: JSON.parse(field("data")) });
      }
    }
  };
  read().catch(() => {});
  const of = <T>(event: string) => messages.filter((one) => one.event === event).map(({ data }) => data as T);
  return { messages, of, stop: () => stop.abort(), status: () => status };
}

// The tests tell one story and run in this order.
describe("live", () => {
  test("a frame each second says what the traffic is like, by server, pool and route", async () => {
    const { of, stop } = watch();
    const frames = () => of<LiveFrame>("frame");
    await until(() => frames().length > 0);
    const [topology] = of<LiveTopology>("topology");
    expect(topology.instance).toMatchObject({ adds_up_over: "this instance's 2 workers", demo: false, history: false });
    expect(topology.pools).toEqual([
      { name: "shop", strategy: "least_connections", in_use: true, request_classes: false },
    ]);
    expect(topology.routes).toEqual([{ name: "shop", targets: [{ pool: "shop", weight: 1 }] }]);
    expect(topology.servers.map(({ name }) => name)).toEqual([`127.0.0.1:${first.port}`, `127.0.0.1:${second.port}`]);
    const frame = await until(async () => {
      await product.get(`/?q=${SECRETS.query}`);
      await product.get("/broken");
      const last = frames().at(-1)!;
      const isBusy = last.totals.rps > 0 && last.totals.s5xx > 0 && last.servers.every(({ p99 }) => p99 !== null);
      return isBusy ? last : null;
    });
    expect(frame.instances).toEqual([topology.instance.name]);
    expect(frame.instance).toMatchObject({ ready: true, draining: false, workers: 2, workers_ready: 2 });
    expect(frame.pools[0]).toMatchObject({ name: "shop", total: 2, healthy: 2, usable: 2, panic: false, rung: null });
    expect(frame.pools[0].rps).toBeGreaterThan(0);
    expect(frame.pools[0].failures).toBeGreaterThan(0);
    expect(frame.routes).toEqual([{ name: "shop", rps: frame.totals.rps, s5xx: frame.totals.s5xx }]);
    expect(frame.flows[0]).toMatchObject({ route: "shop", pool: "shop" });
    expect(frame.servers[0]).toMatchObject({ state: "up", reason: "health check passed", weight: 1, effective: 1 });
    expect(frame.servers[0].why).toContain("whoever has least for its weight is next");
    expect(frame.learning).toEqual([]);
    stop();
  });

  test("what happens comes over the stream as it happens, and to who comes again what was missed", async () => {
    const { messages, of, stop } = watch();
    await until(() => of("frame").length > 0);
    healthy = false;
    const down = await until(() => messages.find(({ event, data }) => event === "event" && isTo(data, "down")));
    expect(down.data).toMatchObject({
      kind: "health",
      pool: "shop",
      server: `127.0.0.1:${first.port}`,
      actor: "balancer",
    });
    const [shown] = await until(() => {
      const servers = of<LiveFrame>("frame").at(-1)?.servers;
      return servers?.[0].state === "down" ? servers : null;
    });
    expect(shown.why).toStartWith("gets nothing, it is down: health check failed");
    stop();
    healthy = true;
    await until(async () =>
      (await asked<Timeline>("/api/v1/timeline?kind=health&limit=1")).events.some((event) => isTo(event, "up")),
    );
    const again = watch({ "last-event-id": down.id });
    await until(() => again.of("frame").length > 0);
    const missed = again.of<TimelineEvent>("event");
    expect(missed.some((event) => isTo(event, "up"))).toBe(true);
    expect(missed.some((event) => isTo(event, "down"))).toBe(false);
    again.stop();
  });

  test("the time line is there without history, and can be asked for", async () => {
    const { events, last_id } = await asked<Timeline>(
      `/api/v1/timeline?since=1h&kind=health,start&server=127.0.0.1:${first.port}`,
    );
    expect(events.length).toBeGreaterThan(1);
    expect(events.every(({ kind, server }) => kind === "health" && server === `127.0.0.1:${first.port}`)).toBe(true);
    expect(last_id).toMatch(/^[a-z0-9]+-\d+$/);
    const refused = await admin("/api/v1/timeline?since=someday&kind=weather&limit=0");
    expect(refused.status).toBe(400);
    const { detail } = (await refused.json()) as { detail: string };
    for (const part of ["since: ", "kind: there is no kind weather", "limit: a number from 1 to 2000"])
      expect(detail).toContain(part);
  });

  test("the last hour comes from memory", async () => {
    const recent = await until(async () => {
      const answer = await asked<LiveRecent>("/api/v1/live/recent");
      return answer.totals.rps.some((rps) => (rps ?? 0) > 0) ? answer : null;
    });
    expect(recent.step_s).toBe(5);
    expect(recent.totals.p99).toHaveLength(recent.at.length);
    expect(Object.keys(recent.servers)).toEqual(recent.topology.servers.map(({ id }) => String(id)));
    expect(Object.keys(recent.pools)).toEqual(["shop"]);
    expect(Object.keys((await asked<LiveRecent>("/api/v1/live/recent?servers=none")).servers)).toEqual([]);
    const [{ id }] = recent.topology.servers;
    expect(Object.keys((await asked<LiveRecent>(`/api/v1/live/recent?servers=${id}`)).servers)).toEqual([String(id)]);
    expect((await admin("/api/v1/live/recent?servers=x")).status).toBe(400);
  });

  test("curl sees it, too; sixteen may watch; who has no token may not", async () => {
    const port = product.said("admin API listens")?.port;
    const url = `http://127.0.0.1:${port}/api/v1/live`;
    const bearer = `authorization: Bearer ${SECRETS.token}`;
    // It ends by itself when it has been given so much: no time is waited for.
    const { stdout } = run("bash", ["-c", `curl -sN -H '${bearer}' ${url} | head -c 3000`]);
    expect(stdout).toStartWith("retry: 1000\n\nevent: topology\ndata: {");
    expect((await admin("/api/v1/live", { method: "HEAD" })).headers.get("content-type")).toStartWith(
      "text/event-stream",
    );
    const watchers = Array.from({ length: 16 }, () => watch());
    await until(() => watchers.every(({ of, status }) => status() === 503 || of("frame").length > 0));
    const refused = await until(async () => {
      const response = await admin("/api/v1/live");
      return response.status === 503 ? response : null;
    });
    expect(refused.headers.get("retry-after")).toBe("10");
    expect(await refused.json()).toMatchObject({ code: "too_many_watchers" });
    for (const { stop } of watchers) stop();
    expect((await product.admin("/api/v1/live")).status).toBe(401);
    expect((await product.get("/api/v1/live")).status).toBe(200); // of the public port it is the server's
  });

  test("the page needs no token, comes from nowhere else, and weighs little", async () => {
    const page = await product.admin("/", { headers: { "accept-encoding": "identity" } });
    expect(page.status).toBe(200);
    expect(page.headers.get("content-security-policy")).toStartWith(
      "default-src 'none'; script-src 'self'; style-src 'self'",
    );
    expect(page.headers.get("x-frame-options")).toBe("DENY");
    expect(page.headers.get("cache-control")).toBe("no-cache");
    const html = await page.text();
    expect(html).not.toMatch(/(src|href)="https?:/);
    expect(html).not.toMatch(/<script(?![^>]*\bsrc=)|<style| style=| on[a-z]+="/);
    const etag = page.headers.get("etag")!;
    const known = await product.admin("/", { headers: { "accept-encoding": "identity", "if-none-match": etag } });
    expect(known.status).toBe(304);
    const files = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, path]) => path);
    expect(files.length).toBeGreaterThan(1);
    let bytes = html.length;
    for (const path of files) {
      const gzip = { headers: { "accept-encoding": "gzip" }, decompress: false } as RequestInit;
      const file = await product.admin(path, gzip);
      expect(file.headers.get("content-encoding")).toBe("gzip");
      expect(file.headers.get("cache-control")).toContain("immutable");
      bytes += (await file.arrayBuffer()).byteLength;
    }
    expect(bytes).toBeLessThan(100_000);
    expect((await product.admin("/assets/none-00000000.js")).status).toBe(404);
    expect((await product.admin("/assets/..%2fpackage.json")).status).not.toBe(200);
    expect((await product.admin("/", { method: "POST" })).status).toBeGreaterThanOrEqual(400);
  });

  test("a support bundle has everything but secrets, and says what is missing", async () => {
    const cookie = { headers: { cookie: `session=${SECRETS.cookie}`, authorization: `Bearer ${SECRETS.cookie}` } };
    await fetch(`http://127.0.0.1:${product.port}/broken?key=${SECRETS.query}`, cookie);
    const url = `http://127.0.0.1:${product.said("admin API listens")?.port}`;
    const out = join(product.directory, "bundle.tar.gz");
    const made = neurabalancer(
      ["support-bundle", "--admin", url, "--token", SECRETS.token, "--out", out],
      {},
      product.directory,
    );
    expect(made).toMatchObject({ code: 0, stderr: "" });
    expect(run("tar", ["xzf", out, "-C", product.directory]).code).toBe(0);
    const names = run("tar", ["tzf", out]).stdout.trim().split("\n");
    const parts = names.map((name) => name.replace(/^[^/]*\//, ""));
    for (const part of [
      "README.txt",
      "version.json",
      "status.json",
      "servers.json",
      "timeline.json",
      "metrics.txt",
      "system.json",
    ]) {
      expect(parts).toContain(part);
    }
    const text = await Promise.all(names.map((name) => Bun.file(join(product.directory, name)).text()));
    for (const [name, secret] of Object.entries(SECRETS)) {
      for (const form of [secret, Buffer.from(secret).toString("base64"), encodeURIComponent(secret)]) {
        expect({ name, found: text.some((part) => part.includes(form)) }).toEqual({ name, found: false });
      }
    }
    const readme = text[parts.indexOf("README.txt")];
    expect(readme).toContain("What is missing:");
    expect(readme).toContain("events.json: nothing is kept of what happens: HISTORY is off");
    expect(text[parts.indexOf("servers.json")]).toContain(`127.0.0.1:${first.port}`);
    expect((await product.admin("/api/v1/support-bundle")).status).toBe(401);
    const refused = neurabalancer(
      ["support-bundle", "--admin", url, "--token", "wrong-token-0123456789"],
      {},
      product.directory,
    );
    expect(refused.code).toBe(1);
    expect(refused.stderr).not.toBe("");
  });

  test("there are no buttons of a demo", async () => {
    const response = await admin("/api/v1/demo");
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ code: "no_demo" });
  });
});

function isTo(event: unknown, state: string): boolean {
  const { detail, server } = event as { detail: { to?: string } | null; server: string };
  return server === `127.0.0.1:${first.port}` && detail?.to === state;
}
