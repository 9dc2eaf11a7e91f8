/** A real Prometheus scrapes a live run, in each format that it may ask for; and promtool finds nothing to complain of. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { modelServerMetrics } from "../../../../src/model-server/metrics.ts";
import type { Emit, MetricGroup } from "../../../../src/telemetry/metrics/definition.ts";
import { METRIC_PREFIX } from "../../../../src/telemetry/metrics/definition.ts";
import { complete, exposition } from "../../../../src/telemetry/metrics/exposition.ts";
import { FORMATS } from "../../../../src/telemetry/metrics/formats/formats.ts";
import {
  CONTENT_TYPES,
  FORMAT_NAMES,
  type FormatName,
  preferredFormat,
} from "../../../../src/telemetry/metrics/formats/negotiation.ts";
import { METRIC_GROUPS } from "../../../../src/telemetry/metrics/metrics.ts";
import { hasPrometheus, Prometheus, promtool } from "../../../support/prometheus.ts";
import { get, type ProductProcess, REQUESTS, runProduct } from "./live-run.ts";

const P = METRIC_PREFIX;
const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";

/** Features of a Prometheus that make it ask for a format; text is what its request is made to ask for. */
const FEATURES: Readonly<Record<FormatName, readonly string[]>> = {
  text: ["exemplar-storage"],
  openmetrics: ["exemplar-storage"],
  protobuf: ["exemplar-storage", "native-histograms"],
};

/** One of everything, with figures that are known: 90 waits of some 10 ms, 10 of some 900 ms. */
const MADE_UP: MetricGroup<null> = {
  title: "",
  metrics: [
    {
      name: "made_total",
      type: "counter",
      help: 'Of "all" \\ kinds.',
      collect: (_, emit) => emit(7, { of: 'a"\\\nü' }),
    },
    { name: "made_depth", type: "gauge", help: "Depth.", collect: (_, emit) => emit(-1.5) },
    {
      name: "made_answer_seconds",
      type: "summary",
      help: "Answers.",
      collect: (_, emit) => emit.summary({ quantiles: [[0.5, 0.25]], sum: 9.5, count: 11 }),
    },
    {
      name: "made_wait_seconds",
      type: "histogram",
      help: "Waits.",
      collect: (_, emit) => {
        const counts = new Array(161).fill(0);
        counts[104 + Math.ceil(Math.log2(0.01) * 8)] = 90;
        counts[104 + Math.ceil(Math.log2(0.9) * 8)] = 10;
        const exemplar = { labels: { trace_id: TRACE_ID }, value: 0.91, timeMs: Date.now() };
        emit.histogram({
          bounds: [0.1, 1],
          counts: [90, 10, 0],
          sum: 9.9,
          exemplars: [null, exemplar, null],
          native: { schema: 3, first: -104, counts },
        });
      },
    },
  ],
};

describe.skipIf(!hasPrometheus)("a real Prometheus", () => {
  let product: ProductProcess;
  /** Serves what is made up, and passes on what the product answers to who asks for text. */
  let beside: Bun.Server<undefined>;
  const running = new Map<FormatName, Prometheus>();
  const of = (format: FormatName): Prometheus => running.get(format) as Prometheus;
  const askedFor = new Set<FormatName>();

  beforeAll(async () => {
    product = await runProduct({ sampled: true });
    beside = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      routes: {
        "/metrics": ({ headers }) => {
          const format = preferredFormat(headers.get("accept"));
          askedFor.add(format);
          const body = complete(exposition([MADE_UP], null, FORMATS[format]));
          return new Response(body, { headers: { "content-type": CONTENT_TYPES[format] } });
        },
        "/text": () => {
          const body = complete(exposition([MADE_UP], null, FORMATS.text));
          return new Response(body, { headers: { "content-type": CONTENT_TYPES.text } });
        },
        "/product-text": async () => {
          const response = await get(product, "/metrics", { accept: "text/plain" });
          return new Response(await response.bytes(), { headers: { "content-type": CONTENT_TYPES.text } });
        },
      },
    });
    for (const format of FORMAT_NAMES) {
      const made = `127.0.0.1:${beside.port}`;
      const asText = (job_name: string, metrics_path: string) => ({
        job_name,
        metrics_path,
        static_configs: [{ targets: [made] }],
      });
      const options =
        format === "text"
          ? { config: { scrape_configs: [asText("product", "/product-text"), asText("made", "/text")] } }
          : { jobs: { product: [`127.0.0.1:${product.port}`], made: [made] } };
      running.set(format, await Prometheus.start({ ...options, features: FEATURES[format] }));
    }
  });
  afterAll(async () => {
    for (const prometheus of running.values()) await prometheus.stop();
    await beside?.stop(true);
    await product?.end();
  });

  test.each(FORMAT_NAMES)("scrapes a live run as %s without an error, and has its figures", async (format) => {
    const prometheus = of(format);
    await prometheus.scraped();
    expect(await prometheus.number('up{job="product"}')).toBe(1);
    expect(await prometheus.number(`sum(${P}http_requests_total{path="/*"})`)).toBe(REQUESTS);
    const answers = `sum(${P}server_response_duration_seconds_count)`;
    expect(await prometheus.number(answers)).toBeGreaterThanOrEqual(REQUESTS);
    const quantile = await prometheus.query(`${P}server_response_duration_seconds{quantile="0.99"}`);
    expect(quantile.length).toBe(2);
    expect(prometheus.complaints).toEqual([]);
  });

  test.each(FORMAT_NAMES)("knows every family of it and its type from %s", async (format) => {
    const prometheus = of(format);
    await prometheus.scraped();
    const metadata = await prometheus.metadata();
    const plain = await (await get(product, "/metrics", { accept: "text/plain" })).text();
    for (const { name, type, help } of METRIC_GROUPS.flatMap(({ metrics }) => metrics)) {
      // protobuf has no families without samples
      if (format === "protobuf" && !new RegExp(`^${P}${name}(_count)?[{ ]`, "m").test(plain)) continue;
      const known = metadata[P + (format === "openmetrics" ? name.replace(/_total$/, "") : name)];
      expect([name, known?.[0].type, known?.[0].help]).toEqual([name, type, help]);
    }
  });

  test.each(FORMAT_NAMES)("reads the same figures and labels from %s", async (format) => {
    const prometheus = of(format);
    await prometheus.scraped();
    const number = (expression: string) => prometheus.number(`${P}${expression}`);
    expect((await prometheus.query(`${P}made_total`))[0].metric.of).toBe('a"\\\nü');
    expect(await number("made_total")).toBe(7);
    expect(await number("made_depth")).toBe(-1.5);
    expect(await number("made_answer_seconds_sum")).toBe(9.5);
    expect(await number("made_answer_seconds_count")).toBe(11);
    expect(await number('made_answer_seconds{quantile="0.5"}')).toBe(0.25);
  });

  test.each(["openmetrics", "protobuf"] as const)("keeps exemplars from %s", async (format) => {
    const prometheus = of(format);
    await prometheus.scraped();
    const [found] = await prometheus.exemplars(`${P}made_wait_seconds${format === "protobuf" ? "" : "_bucket"}`);
    expect(found.exemplars[0]).toMatchObject({ labels: { trace_id: TRACE_ID }, value: "0.91" });
    expect(askedFor.has(format)).toBe(true);
  });

  test.each(["openmetrics", "protobuf"] as const)("keeps exemplars of a live run from %s", async (format) => {
    const name = `${P}http_request_duration_seconds${format === "protobuf" ? "" : "_bucket"}`;
    await of(format).scraped();
    const [found] = await of(format).exemplars(name);
    expect(found.exemplars[0].labels.trace_id).toMatch(/^[0-9a-f]{32}$/);
  });

  test("has quantiles of a live run from its native histogram", async () => {
    const prometheus = of("protobuf");
    await prometheus.scraped();
    const durations = `${P}http_request_duration_seconds{path="/*"}`;
    expect((await prometheus.query(durations))[0].histogram?.[1].count).toBe(`${REQUESTS}`);
    const p50 = await prometheus.number(`histogram_quantile(0.5, ${durations})`);
    const p99 = await prometheus.number(`histogram_quantile(0.99, ${durations})`);
    expect(p50).toBeGreaterThan(0);
    expect(p99).toBeGreaterThanOrEqual(p50);
  });

  test("has quantiles from native histograms, nearer than those from classic buckets", async () => {
    const p95 = (format: FormatName, suffix: string) =>
      of(format).number(`histogram_quantile(0.95, ${P}made_wait_seconds${suffix})`);
    for (const format of FORMAT_NAMES) await of(format).scraped();
    expect(await p95("openmetrics", "_bucket")).toBeCloseTo(0.55, 2);
    expect(await p95("text", "_bucket")).toBeCloseTo(0.55, 2);
    expect(Math.abs((await p95("protobuf", "")) - 0.9)).toBeLessThan(0.09);
    const [native] = await of("protobuf").query(`${P}made_wait_seconds`);
    expect(native.histogram?.[1]).toMatchObject({ count: "100", sum: "9.9" });
  });

  test("promtool has nothing to complain of, in the live run nor where everything is in use", async () => {
    const live = await (await get(product, "/metrics")).text();
    expect(await promtool(["check", "metrics"], live)).toMatchObject({ code: 0, text: "", stderr: "" });
    const groups: readonly MetricGroup<never>[] = [...METRIC_GROUPS, modelServerMetrics, MADE_UP];
    const used = groups.flatMap(({ metrics }) => metrics);
    const each = used.map(({ name, type, help, labels = [] }) => ({
      name,
      type,
      help,
      collect: (_: null, emit: Emit) => {
        const values = Object.fromEntries(labels.map((label) => [label, "x"]));
        if (type === "histogram") emit.histogram({ bounds: [1], counts: [1, 1], sum: 2 }, values);
        else if (type === "summary") emit.summary({ quantiles: [[0.5, 1]], sum: 2, count: 2 }, values);
        else emit(1, values);
      },
    }));
    const all = complete(exposition([{ title: "", metrics: each }], null, FORMATS.text)).toString();
    expect(await promtool(["check", "metrics"], all)).toMatchObject({ code: 0, text: "", stderr: "" });
  });
});
