/** Prometheus and promtool take the files of configs/prometheus/, and the rules come to something on a live run. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { parse, stringify } from "yaml";
import { ProductProcess } from "../../support/product-process.ts";
import {
  hasPrometheus,
  Prometheus,
  prometheusMajor,
  promtool,
  shippedConfig,
  shippedJob,
} from "../../support/prometheus.ts";
import { type Collector, startHttpCollector } from "../../support/tracing/collectors.ts";
import { eventually, until } from "../../support/until.ts";
import { prometheusFile, rulesOf, ruleTests } from "../../unit/configs/rule-files.ts";

const RULES = ["recording", "alerts"].map((name) => prometheusFile(`rules/${name}.yml`));

describe.skipIf(!hasPrometheus)("promtool takes", () => {
  const scratch = mkdtempSync(join(tmpdir(), "nb-rules-"));
  afterAll(() => rmSync(scratch, { recursive: true }));

  test("the rules", async () => {
    const { code, text, stderr } = await promtool(["check", "rules", "--lint=all", "--lint-fatal", ...RULES]);
    expect({ code, text: text + stderr }).toEqual({ code: 0, text: expect.stringContaining("SUCCESS") });
  });

  test("the configuration, but what only Prometheus 3 knows where it is older", async () => {
    const path = join(scratch, "prometheus.yml");
    writeFileSync(path, stringify({ ...shippedConfig(), rule_files: RULES }));
    const { code, text, stderr } = await promtool(["check", "config", path]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(text).toContain("2 rule files found");
  });

  test.each(ruleTests().map((path) => [basename(path), path]))("the cases of %s", async (_, path) => {
    const { code, text, stderr } = await promtool(["test", "rules", path]);
    expect({ code, text: text + stderr }).toEqual({ code: 0, text: expect.stringContaining("SUCCESS") });
  });
});

/** A server that can be told to fail, or to go. */
class Server {
  status = 200;
  readonly #server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: ({ url }) => new Response("hello", { status: url.endsWith("/health") ? 200 : this.status }),
  });

  get url(): string {
    return `http://127.0.0.1:${this.#server.port}`;
  }

  async stop(): Promise<void> {
    await this.#server.stop(true);
  }
}

describe.skipIf(!hasPrometheus)("on a live run", () => {
  const servers = [new Server(), new Server(), new Server()];
  const scratch = mkdtempSync(join(tmpdir(), "nb-rules-"));
  let product: ProductProcess;
  let prometheus: Prometheus;
  let sending = true;
  let client: Promise<void>;
  let collector: Collector;

  beforeAll(async () => {
    collector = startHttpCollector();
    product = new ProductProcess({
      APP_HOST: "127.0.0.1",
      APP_PORT: "0",
      ADMIN_PORT: "0",
      WORKERS: "2",
      LB_STRATEGY: "ml",
      HISTORY: "on",
      HEALTH_CHECK_INTERVAL_SECONDS: "0.2",
      SLOW_START_SECONDS: "0",
      OUTLIER_EJECTION: "off",
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.port}`,
      SERVERS: servers.map(({ url }) => url).join(","),
    });
    await product.started();
    await until(async () => (await get("/health/ready")).status === 200);
    prometheus = await Prometheus.start({
      config: { scrape_configs: [shippedJob(`127.0.0.1:${product.port}`)] },
      ruleFiles: [RULES[0], impatient(scratch)],
      // Version 2 takes either native histograms or classic ones; the rules read these.
      features: ["exemplar-storage"],
    });
    client = send();
  });
  afterAll(async () => {
    sending = false;
    await client;
    await prometheus?.stop();
    await product?.end();
    await Promise.all([collector, ...servers].map((server) => server?.stop()));
    rmSync(scratch, { recursive: true });
  });

  const get = (path: string) =>
    fetch(`http://127.0.0.1:${product.port}${path}`, { keepalive: false, headers: { connection: "close" } });

  async function send(): Promise<void> {
    while (sending) {
      await (await get("/")).text();
      await Bun.sleep(5);
    }
  }

  const firing = async (): Promise<string[]> =>
    (await prometheus.query('ALERTS{alertstate="firing"}')).map(({ metric }) => metric.alertname).sort();

  test("nothing fires while all is well", async () => {
    await eventually(async () => {
      expect(await prometheus.number("sum(job:neurabalancer_http_requests:rate5m)")).toBeGreaterThan(0);
    });
    await until(() => collector.received.length > 0);
    await prometheus.scraped();
    // A busy machine may have an impatient alert fire for a moment: what is wrong with a rule fires for good.
    await eventually(async () => expect(await firing()).toEqual([]));
  });

  // Version 2 has no such job: nothing is left out that could be tried with it.
  if (prometheusMajor >= 3) {
    test("native histograms and exemplars are there beside classic buckets", async () => {
      const durations = "neurabalancer_http_request_duration_seconds";
      await eventually(async () => {
        const [[native], [classic]] = await Promise.all([
          prometheus.query(`sum(histogram_count(${durations}))`),
          prometheus.query(`sum(${durations}_bucket{le="+Inf"})`),
        ]);
        expect(Number(native.value?.[1])).toBeGreaterThan(0);
        expect(native.value).toEqual(classic.value);
      });
      const p99 = `histogram_quantile(0.99, sum by (path) (rate(${durations}[20s])))`;
      await eventually(async () => {
        expect(await prometheus.number(`max(${p99})`)).toBeGreaterThan(0);
      });
      for (const name of [durations, `${durations}_bucket`]) {
        await eventually(async () => {
          const all = (await prometheus.exemplars(name)).flatMap(({ exemplars }) => exemplars);
          expect({
            name,
            ids: all.map(({ labels }) => labels.trace_id).filter((id) => /^[0-9a-f]{32}$/.test(id)),
          }).not.toEqual({
            name,
            ids: [],
          });
        });
      }
      expect(prometheus.complaints).toEqual([]);
    });
  }

  test("every recorded series is there, and numbers are numbers", async () => {
    for (const { record, labels } of rulesOf("recording")) {
      const selector = labels === undefined ? `${record}` : `${record}{quantile="${labels.quantile}"}`;
      await eventually(async () => {
        const series = await prometheus.query(selector);
        expect({ record, some: series.length > 0 }).toEqual({ record, some: true });
        for (const { value } of series) expect({ record, value }).not.toEqual({ record, value: [value?.[0], "NaN"] });
      });
    }
  });

  test("a collector that is gone is told of", async () => {
    await collector.stop();
    await eventually(async () => {
      expect(await firing()).toContain("NeuraBalancerTracesNotTaken");
    });
  });

  test("a server that is gone, and those that fail, are told of by name", async () => {
    const [gone, ...failing] = servers;
    const expected = [
      ["NeuraBalancerServerDown", gone.url],
      ...failing.map(({ url }) => ["NeuraBalancerServerFails", url]),
    ];
    await gone.stop();
    for (const server of failing) server.status = 500;
    await eventually(async () => {
      const told = await prometheus.query('ALERTS{alertstate="firing",alertname=~"NeuraBalancerServer.*"}');
      const byName = told.map(({ metric }) => [metric.alertname, metric.url]);
      // The first of them may have failed requests, too, before its checks did.
      expect(byName).toEqual(expect.arrayContaining(expected));
    });
    await eventually(async () => {
      expect(await firing()).toContain("NeuraBalancerErrorBudgetBurnsFast");
    });
  });
});

/** The alerts, with a second instead of the minutes that they wait for. */
function impatient(directory: string): string {
  const file = parse(readFileSync(RULES[1], "utf8"));
  for (const { rules } of file.groups) for (const rule of rules) if (rule.for !== undefined) rule.for = "1s";
  const path = join(directory, "alerts.yml");
  writeFileSync(path, stringify(file));
  return path;
}
