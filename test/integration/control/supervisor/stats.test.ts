/** What happened, from a client's request to the answer: real traffic, the recorder, the store, the admin API, the command. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { EventsAnswer } from "../../../../src/history/events.ts";
import type { RequestsAnswer } from "../../../../src/history/requests.ts";
import type { TrafficAnswer } from "../../../../src/history/traffic/traffic.ts";
import { until } from "../../../support/until.ts";
import { neurabalancer } from "../../cli/spawn.ts";
import { Product } from "./product.ts";

function backend(name: string) {
  return Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: ({ url }) =>
      new Response(name, { status: url.includes("/broken") ? 503 : url.includes("/none") ? 404 : 200 }),
  });
}

const first = backend("first");
const second = backend("second");
const product = new Product({
  HISTORY: "on",
  SERVERS: `http://127.0.0.1:${first.port},http://127.0.0.1:${second.port}`,
  APP_HOST: "127.0.0.1",
  APP_PORT: "0",
  ADMIN_PORT: "auto",
  WORKERS: "2",
  LB_STRATEGY: "round_robin",
  OUTLIER_EJECTION_ENABLED: "false",
});

beforeAll(() => product.ready(), 120_000);
afterAll(async () => {
  await product.end();
  await Promise.all([first.stop(true), second.stop(true)]);
});

const asked = async <T>(path: string) => (await (await product.admin(path)).json()) as T;
const traffic = (query: string) => asked<TrafficAnswer>(`/api/v1/stats?since=1h&${query}`);

// The tests tell one story and run in this order.
describe("what happened", () => {
  test("all requests are counted, once, by server, route and status", async () => {
    for (let i = 0; i < 20; i++) {
      for (const path of ["/", "/none", "/broken?secret=1"]) await (await product.get(path)).text();
    }
    await until(async () => (await traffic("")).total.requests >= 60);
    const byServer = await traffic("group=server");
    expect(byServer.total).toMatchObject({ requests: 60, errors: 20, client_errors: 20, share: 1 });
    expect(byServer.rows.map(({ server }) => server).sort()).toEqual(
      [`127.0.0.1:${first.port}`, `127.0.0.1:${second.port}`].sort(),
    );
    expect(byServer.total.p50_ms).toBeGreaterThan(0);
    const byStatus = await traffic("group=status");
    expect(byStatus.rows.map(({ status, requests }) => [status, requests]).sort()).toEqual([
      ["2xx", 20],
      ["4xx", 20],
      ["5xx", 20],
    ]);
    const one = await traffic(`server=127.0.0.1:${first.port}&group=route`);
    expect(one.total.requests).toBe(byServer.rows.find(({ server }) => server === one.server)?.requests as number);
  }, 120_000);

  test("the command answers the same beside the instance", async () => {
    const directory = join(product.directory, "data");
    const { code, stdout } = neurabalancer(["stats", "--since", "1h", "--json", "--data-dir", directory]);
    expect(code).toBe(0);
    const answer = JSON.parse(stdout) as TrafficAnswer;
    const same = await traffic("");
    expect(answer.total.requests).toBe(60);
    expect(answer.rows.map(({ server, requests, p99_ms }) => [server, requests, p99_ms])).toEqual(
      same.rows.map(({ server, requests, p99_ms }) => [server, requests, p99_ms]),
    );
  }, 120_000);

  test("single requests are kept without their query", async () => {
    const path = "/api/v1/stats/requests?since=1h&status=503&limit=1000";
    await until(async () => (await asked<RequestsAnswer>(path)).found_weight >= 20);
    const { requests } = await asked<RequestsAnswer>(path);
    for (const request of requests) expect(request).toMatchObject({ path: "/broken", method: "GET", status: 503 });
  }, 120_000);

  test("events say what was done, and by whom", async () => {
    const servers = await asked<readonly { readonly id: number }[]>("/api/v1/servers");
    const changed = await product.admin(`/api/v1/servers/${servers[0].id}`, {
      method: "PATCH",
      body: '{"state":"drain"}',
      headers: { "content-type": "application/json" },
    });
    expect(changed.status).toBe(200);
    const events = () => asked<EventsAnswer>("/api/v1/events");
    await until(async () => (await events()).events.some(({ kind }) => kind === "change"));
    const { events: told } = await events();
    expect(told.find(({ kind }) => kind === "change")?.actor).toStartWith("admin API");
    expect(told.map(({ kind }) => kind)).toContain("start");
  }, 120_000);

  test("what is wrong with a question is said", async () => {
    const response = await product.admin("/api/v1/stats?by=week");
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      code: "invalid_query",
      detail: 'by must be one of minute, hour, day, not "week"',
    });
    expect((await product.get("/api/v1/stats")).status).toBe(200); // the server's own: the path is not reserved
  }, 120_000);
});
