/** What metrics say of requests is exact: over workers, over the death of one, and over servers and routes that come and go. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { sumOfSamples } from "../../../support/product-process.ts";
import { eventually, until } from "../../../support/until.ts";
import { Product } from "./product.ts";

const good = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("good") });
const bad = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("bad", { status: 503 }) });
const url = ({ port }: { port?: number }) => `http://127.0.0.1:${port}`;

const product = new Product({
  APP_HOST: "127.0.0.1",
  APP_PORT: "0",
  ADMIN_PORT: "auto",
  WORKERS: "2",
  SERVERS: `${url(good)},${url(bad)}`,
  LB_STRATEGY: "random",
  HEALTH_CHECK_ENABLED: "false",
  OUTLIER_CONSECUTIVE_FAILURES: "0",
  RETRY_ATTEMPTS: "0",
  SLOW_START_SECONDS: "0",
});

beforeAll(() => product.ready());
afterAll(async () => {
  await product.kill();
  await Promise.all([good.stop(true), bad.stop(true)]);
});

/** How many responses of each kind clients have seen. */
const seen = { good: 0, bad: 0 };

async function ask(count: number): Promise<void> {
  for (let i = 0; i < count; i++) seen[(await (await product.get("/")).text()) as keyof typeof seen]++;
}

/** Everything that must be the same, however it was counted. */
async function counted() {
  const text = await (await product.admin("/metrics")).text(); // a worker that relays them waits for a while only
  const sum = (pattern: RegExp) => sumOfSamples(text, (line) => pattern.test(line));
  return {
    requests: sum(/^neurabalancer_http_requests_total\{[^}]*path="\/\*"/),
    byRoute: sum(/^neurabalancer_http_request_duration_seconds_count\{path="\/\*"\}/),
    slowest: sum(/^neurabalancer_http_request_duration_seconds_bucket\{path="\/\*",le="\+Inf"\}/),
    byServer: sum(/^neurabalancer_server_request_duration_seconds_count/),
    firstBytes: sum(/^neurabalancer_server_first_byte_duration_seconds_count/),
    responses: sum(/^neurabalancer_server_responses_total/),
    connections: sum(/^neurabalancer_server_(connects|connection_reuses)_total/),
    errors: sum(/^neurabalancer_server_failures_total\{[^}]*cause="server_error"/),
    failures: sum(/^neurabalancer_server_failures_total/),
  };
}

const expected = () => {
  const all = seen.good + seen.bad;
  return {
    ...{ requests: all, byRoute: all, slowest: all, byServer: all, firstBytes: all, responses: all, connections: all },
    ...{ errors: seen.bad, failures: seen.bad },
  };
};

/** A worker may be interrupted between a response and its counting. */
function expectExact(): Promise<void> {
  return eventually(async () => expect(await counted()).toEqual(expected()));
}

test("over workers, and over the death of one", async () => {
  await ask(60);
  expect(seen.bad).toBeGreaterThan(0);
  await expectExact();
  for (let round = 0; round < 2; round++) {
    const [{ pid }] = await product.workers();
    process.kill(pid, "SIGKILL");
    await until(async () => {
      const workers = await product.workers();
      return workers.every((worker) => worker.state === "ready" && worker.pid !== pid);
    });
    await expectExact();
    await ask(40);
    await expectExact();
  }
});

test("a server that goes takes what is counted of it along, its requests stay for a while", async () => {
  const { requests, byRoute } = await counted();
  product.configure({ SERVERS: url(good) });
  product.process.kill("SIGHUP");
  await until(() => product.said("the new configuration is in force") !== undefined);
  await until(async () => (await counted()).failures === 0);
  const after = await counted();
  expect([after.requests, after.byRoute]).toEqual([requests, byRoute]);
  expect(await product.metric(/^neurabalancer_metrics_series /)).toBeGreaterThan(1);
});
