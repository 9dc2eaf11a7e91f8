/** `REQUEST_CLASSES` with real processes: what two workers and the learner make of traffic of several kinds. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { ShownClass, ShownClasses } from "../../../../src/control/admin/answers/classes.ts";
import type { Explanation } from "../../../../src/shared/explanation/explanation.ts";
import type { RecentRequests } from "../../../../src/shared/explanation/recent.ts";
import { until } from "../../../support/until.ts";
import { Product } from "../../control/supervisor/product.ts";

/** How long a server takes for a path, milliseconds: a heavy one for longer than a busy machine adds to the others. */
function takesMs(path: string): number {
  if (path.startsWith("/reports/")) return 200;
  return path.startsWith("/items/") ? 4 : 8;
}

const servers = Array.from({ length: 2 }, () =>
  Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async (request) => {
      const { pathname } = new URL(request.url);
      if (pathname.startsWith("/refused/")) return new Response("no", { status: 404 });
      await Bun.sleep(takesMs(pathname));
      return new Response("done");
    },
  }),
);

const product = new Product({
  SERVERS: servers.map(({ port }) => `http://127.0.0.1:${port}`).join(","),
  APP_HOST: "127.0.0.1",
  APP_PORT: "0",
  ADMIN_PORT: "auto",
  WORKERS: "2",
  LB_STRATEGY: "adaptive",
  REQUEST_CLASSES: "on",
  HEALTH_CHECK_ENABLED: "false",
  METRICS_POLL_ENABLED: "false",
  EXPLAIN: "on",
});

beforeAll(() => product.ready());
afterAll(async () => {
  await product.end();
  await Promise.all(servers.map((server) => server.stop(true)));
});

let asked = 0;
/** Over a connection of its own, so that both workers get some. */
async function ask(path: string): Promise<Response> {
  const response = await fetch(`http://127.0.0.1:${product.port}${path}`, { keepalive: false });
  await response.arrayBuffer();
  return response;
}

/** A bit of everything: thirteen light requests, six of the mean, one heavy, and some that lead nowhere. */
async function someTraffic(): Promise<void> {
  const paths = Array.from({ length: 13 }, () => `/items/${1000 + asked++}`);
  paths.push(...Array.from({ length: 6 }, () => "/home"), `/reports/${asked++}?page=2`, `/refused/${asked++}`);
  await Promise.all(paths.map(ask));
}

async function shown(): Promise<ShownClasses> {
  return (await (await product.admin("/api/v1/classes")).json()) as ShownClasses;
}

async function classOf(template: string): Promise<ShownClass | undefined> {
  return (await shown()).classes.find((one) => one.template === template);
}

// The tests tell one story and run in this order.
describe("classes of requests", () => {
  test("classes are learned where they are asked for, and both workers count work by them", async () => {
    const [light, middle, heavy] = await until(async () => {
      await someTraffic();
      const [items, home, reports] = await Promise.all(["/items/{id}", "/home", "/reports/{id}"].map(classOf));
      if (items === undefined || home === undefined || reports === undefined) return null;
      // What was not measured yet may stand beside the others like this by chance.
      if ([items, home, reports].some((one) => one.cost_error === null)) return null;
      return items.cost < home.cost && 2 * home.cost < reports.cost ? [items, home, reports] : null;
    });
    expect([light.method, middle.method, heavy.method]).toEqual(["GET", "GET", "GET"]);
    expect(heavy.work_share).toBeGreaterThan(heavy.share);
    // The mean over all requests is one.
    const { classes, pools } = await shown();
    expect(pools).toEqual(["default"]);
    expect(classes.reduce((sum, { share, cost }) => sum + share * cost, 0)).toBeCloseTo(1, 1);
  });

  test("what servers refuse is no class, however often it is asked for", async () => {
    for (let i = 0; i < 5; i++) await someTraffic();
    expect((await shown()).classes.map(({ template }) => template)).not.toContain("/refused/{id}");
  });

  test("an explanation says of which class a request was, and what it was expected to cost", async () => {
    await ask("/reports/77");
    const id = await until(async () => {
      const { requests } = (await (await product.admin("/api/v1/requests?limit=50")).json()) as RecentRequests;
      return requests.find(({ path }) => path === "/reports/77")?.request_id;
    });
    const response = await product.admin(`/api/v1/explain/${id}`);
    const { attempts } = (await response.json()) as Explanation;
    expect(attempts[0]).toMatchObject({ request_class: "GET /reports/{id}", strategy: "adaptive" });
    expect(attempts[0].expected_cost).toBeGreaterThan(1.5);
  });

  test("metrics have them, with bounded labels", async () => {
    const text = await (await product.admin("/metrics")).text();
    const line = text
      .split("\n")
      .find((each) => each.startsWith("neurabalancer_class_cost{") && each.includes("/reports/{id}"));
    expect(line).toContain('method="GET"');
    expect(Number(line?.split(" ")[1])).toBeGreaterThan(1.5);
    expect(text).not.toContain("/refused/");
  });

  test("the classes of one pool can be asked for, and a pool that is not there is refused", async () => {
    const one = (await (await product.admin("/api/v1/classes?pool=default")).json()) as ShownClasses;
    expect(one.classes.length).toBeGreaterThanOrEqual(4);
    expect((await product.admin("/api/v1/classes?pool=other")).status).toBe(404);
  });
});
