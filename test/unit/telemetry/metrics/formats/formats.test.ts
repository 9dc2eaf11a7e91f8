/** All formats say the same, whatever the figures are and the labels hold. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Exemplar, Labels, MetricDefinition } from "../../../../../src/telemetry/metrics/definition.ts";
import { complete, exposition } from "../../../../../src/telemetry/metrics/exposition.ts";
import { FORMATS } from "../../../../../src/telemetry/metrics/formats/formats.ts";
import { FORMAT_NAMES, type FormatName } from "../../../../../src/telemetry/metrics/formats/negotiation.ts";
import type { RefusedSamples } from "../../../../../src/telemetry/metrics/sound-samples.ts";
import { nativeCounts, readFamilies } from "./metric-families.ts";
import { read, series } from "./readings.ts";

type Metric = Pick<MetricDefinition<null>, "name" | "type" | "collect"> & { readonly help?: string };

function write(format: FormatName, metrics: readonly Metric[], refused?: RefusedSamples): Buffer {
  const group = { title: "", metrics: metrics.map((metric) => ({ help: "Help.", ...metric })) };
  return complete(exposition([group], null, FORMATS[format], refused));
}
const text = (format: FormatName, metrics: readonly Metric[]): string => write(format, metrics).toString();
const P = "neurabalancer_";

const TRACE = { trace_id: "4bf92f3577b34da6a3ce929d0e0e4736" };
const exemplar: Exemplar = { labels: TRACE, value: 0.012, timeMs: 1_796_000_000_125 };

const counter: Metric = {
  name: "things_total",
  type: "counter",
  collect: (_, emit) => emit(7, { kind: "a" }, exemplar),
};
const gauge: Metric = { name: "depth", type: "gauge", collect: (_, emit) => emit(-1.5) };
const summary: Metric = {
  name: "answer_seconds",
  type: "summary",
  collect: (_, emit) =>
    emit.summary(
      {
        quantiles: [
          [0.5, 0.25],
          [1, 2],
        ],
        sum: 9.5,
        count: 11,
      },
      { server_id: 3 },
    ),
};
const histogram: Metric = {
  name: "wait_seconds",
  type: "histogram",
  collect: (_, emit) =>
    emit.histogram({
      bounds: [0.00005, 0.01, 1],
      counts: [1, 0, 2, 3],
      sum: 8.25,
      exemplars: [null, undefined, exemplar],
    }),
};

describe("text", () => {
  test("is what a person may read, with nothing that old readers do not know", () => {
    expect(text("text", [counter, summary, histogram])).toBe(`# HELP ${P}things_total Help.
# TYPE ${P}things_total counter
${P}things_total{kind="a"} 7

# HELP ${P}answer_seconds Help.
# TYPE ${P}answer_seconds summary
${P}answer_seconds{server_id="3",quantile="0.5"} 0.25
${P}answer_seconds{server_id="3",quantile="1"} 2
${P}answer_seconds_sum{server_id="3"} 9.5
${P}answer_seconds_count{server_id="3"} 11

# HELP ${P}wait_seconds Help.
# TYPE ${P}wait_seconds histogram
${P}wait_seconds_bucket{le="0.00005"} 1
${P}wait_seconds_bucket{le="0.01"} 1
${P}wait_seconds_bucket{le="1"} 3
${P}wait_seconds_bucket{le="+Inf"} 6
${P}wait_seconds_sum 8.25
${P}wait_seconds_count 6

`);
  });
});

describe("OpenMetrics", () => {
  test("has exemplars, units, canonical numbers in labels, counters without _total where they are described, and an end", () => {
    expect(
      text("openmetrics", [{ ...counter, help: 'A "b" \\ c\nd' }, gauge, summary, histogram]),
    ).toBe(`# TYPE ${P}things counter
# HELP ${P}things A \\"b\\" \\\\ c\\nd
${P}things_total{kind="a"} 7 # {trace_id="${TRACE.trace_id}"} 0.012 1796000000.125
# TYPE ${P}depth gauge
# HELP ${P}depth Help.
${P}depth -1.5
# TYPE ${P}answer_seconds summary
# UNIT ${P}answer_seconds seconds
# HELP ${P}answer_seconds Help.
${P}answer_seconds{server_id="3",quantile="0.5"} 0.25
${P}answer_seconds{server_id="3",quantile="1.0"} 2
${P}answer_seconds_sum{server_id="3"} 9.5
${P}answer_seconds_count{server_id="3"} 11
# TYPE ${P}wait_seconds histogram
# UNIT ${P}wait_seconds seconds
# HELP ${P}wait_seconds Help.
${P}wait_seconds_bucket{le="5e-05"} 1
${P}wait_seconds_bucket{le="0.01"} 1
${P}wait_seconds_bucket{le="1.0"} 3 # {trace_id="${TRACE.trace_id}"} 0.012 1796000000.125
${P}wait_seconds_bucket{le="+Inf"} 6
${P}wait_seconds_sum 8.25
${P}wait_seconds_count 6
# EOF
`);
  });
});

describe("protobuf", () => {
  const native = (first: number, counts: number[], classic = counts): Metric => ({
    name: "wait_seconds",
    type: "histogram",
    collect: (_, emit) => {
      const total = classic.reduce((sum, count) => sum + count, 0);
      emit.histogram({ bounds: [1], counts: [total - 1, 1], sum: 5, native: { schema: 3, first, counts } });
    },
  });
  const readNative = (metric: Metric) => {
    const read = readFamilies(write("protobuf", [metric]))[0].metric[0].histogram;
    if (read === undefined) throw new Error("it is no histogram");
    return read;
  };

  test("has native buckets: the first is the zero bucket, gaps are left out", () => {
    const counts = new Array(161).fill(0);
    counts[0] = 4;
    counts[1] = 2;
    counts[4] = 9;
    counts[100] = 1;
    counts[160] = 300;
    const read = readNative(native(-104, counts));
    expect([read.schema, read.zeroThreshold, read.zeroCount, read.sampleCount]).toEqual([3, 2 ** -13, 4n, 316n]);
    expect(read.positiveSpan.map(({ offset, length }) => [offset, length])).toEqual([
      [-103, 4],
      [95, 1],
      [59, 1],
    ]);
    expect([...nativeCounts(read)].filter(([, count]) => count > 0)).toEqual([
      [-103, 2],
      [-100, 9],
      [-4, 1],
      [56, 300],
    ]);
  });

  test("has every native bucket where it belongs, whatever they hold", () => {
    const count = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(2 ** 40) });
    fc.assert(
      fc.property(
        fc.array(count, { minLength: 1, maxLength: 200 }),
        fc.integer({ min: -300, max: 300 }),
        (counts, first) => {
          const histogram = readNative(native(first, counts, [1]));
          const seen = nativeCounts(histogram);
          for (let i = 1; i < counts.length; i++) expect(seen.get(first + i) ?? 0).toBe(counts[i]);
          expect(Number(histogram.zeroCount)).toBe(counts[0]);
          expect(Number(histogram.sampleCount)).toBe(counts.reduce((sum, each) => sum + each, 0));
        },
      ),
    );
  });

  test("no classic bucket has more than all native ones, though they were read before", () => {
    const { bucket, sampleCount } = readNative(native(0, [1, 2], [1, 4]));
    expect(bucket.map(({ cumulativeCount }) => Number(cumulativeCount))).toEqual([3, 3]);
    expect(sampleCount).toBe(3n);
  });

  test("a family without samples is left out; long families have long lengths", () => {
    const none: Metric = { name: "none", type: "gauge", collect: () => {} };
    const many: Metric = {
      name: "many",
      type: "gauge",
      collect: (_, emit) => {
        for (let i = 0; i < 5000; i++) emit(i, { i, name: "x".repeat(200) });
      },
    };
    const families = readFamilies(write("protobuf", [none, many, none, gauge]));
    expect(families.map(({ name, metric }) => [name, metric.length])).toEqual([
      [`${P}many`, 5000],
      [`${P}depth`, 1],
    ]);
    expect(families[0].metric.map(({ gauge }) => gauge?.value)).toEqual(Array.from({ length: 5000 }, (_, i) => i));
  });
});

describe("every format", () => {
  const odd = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string(),
    fc.constantFrom('"', "\\", "\n", "\ud800", "}", "# EOF", ""),
  );
  const labels: fc.Arbitrary<Labels> = fc.record({ path: odd, server_id: fc.nat(3) });
  const amount = fc.oneof(fc.nat(2 ** 31), fc.double({ min: 0, noNaN: true, max: 1e12 }));
  const exemplars = fc.option(
    fc.record({
      labels: fc.record({ trace_id: fc.string({ unit: "binary", maxLength: 10 }) }),
      value: fc.double({ noNaN: true, noDefaultInfinity: true }),
      timeMs: fc.nat(2 ** 31),
    }),
  );
  const metrics = fc.record({
    counters: fc.array(fc.tuple(amount, labels, exemplars), { maxLength: 5 }),
    gauges: fc.array(fc.tuple(fc.double(), labels), { maxLength: 5 }),
    histograms: fc.array(
      fc.tuple(fc.tuple(fc.nat(), fc.nat(), fc.nat()), amount, labels, fc.tuple(exemplars, exemplars, exemplars)),
      { maxLength: 3 },
    ),
    summaries: fc.array(fc.tuple(fc.double(), amount, fc.nat(), labels), { maxLength: 3 }),
  });
  const definitions = ({
    counters,
    gauges,
    histograms,
    summaries,
  }: typeof metrics extends fc.Arbitrary<infer M> ? M : never): Metric[] => [
    {
      name: "c_total",
      type: "counter",
      collect: (_, emit) => {
        for (const [value, labels, of] of counters) emit(value, labels, of);
      },
    },
    {
      name: "g",
      type: "gauge",
      collect: (_, emit) => {
        for (const [value, labels] of gauges) emit(value, labels);
      },
    },
    {
      name: "h_seconds",
      type: "histogram",
      collect: (_, emit) => {
        for (const [counts, sum, labels, exemplars] of histograms)
          emit.histogram({ bounds: [0.5, 10], counts, sum, exemplars }, labels);
      },
    },
    {
      name: "s_seconds",
      type: "summary",
      collect: (_, emit) => {
        for (const [value, sum, count, labels] of summaries)
          emit.summary({ quantiles: [[0.99, value]], sum, count }, labels);
      },
    },
  ];

  test("says the same, and once", () => {
    fc.assert(
      fc.property(metrics, (values) => {
        const all = definitions(values);
        const [plain, open, binary] = FORMAT_NAMES.map((format) => read(format, write(format, all)));
        expect(open.values).toEqual(plain.values);
        expect(open.types).toEqual(plain.types);
        expect(binary.types).toEqual(plain.types);
        expect(new Map([...binary.values].sort())).toEqual(new Map([...plain.values].sort()));
        expect([...binary.exemplars].sort()).toEqual([...open.exemplars].sort());
        const distinct = new Set(
          values.gauges.map(([, { path, server_id }]) => `${server_id} ${`${path}`.toWellFormed()}`),
        );
        expect([...plain.values.keys()].filter((key) => key.startsWith(`${P}g{`)).length).toBe(distinct.size);
      }),
    );
  });

  test("leaves out what cannot be, and a series that was there already; that is counted", () => {
    const bad = [Number.NaN, -1, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
    const all: Metric[] = [
      {
        name: "c_total",
        type: "counter",
        collect: (_, emit) => {
          for (const value of bad) emit(value, { of: "bad" });
          emit(1, { of: "good" });
          emit(2, { of: "good" });
          emit(3, { of: "\ud800" });
          emit(4, { of: "\udfff" }); // both are read as U+FFFD
        },
      },
      {
        name: "g",
        type: "gauge",
        collect: (_, emit) => {
          for (const value of bad) emit(value, { value });
        },
      },
      {
        name: "h",
        type: "histogram",
        collect: (_, emit) => {
          for (const value of bad) {
            emit.histogram({ bounds: [1], counts: [1, value], sum: 1 });
            emit.histogram({ bounds: [1], counts: [1, 1], sum: value });
            emit.histogram({
              bounds: [1],
              counts: [1, 1],
              sum: 1,
              native: { schema: 3, first: 0, counts: [1, value] },
            });
          }
          emit.histogram({ bounds: [1], counts: [1], sum: 1 });
          const exemplars = [
            { ...exemplar, value: Number.NaN },
            { ...exemplar, labels: { a: "x".repeat(128) } },
          ];
          emit.histogram({ bounds: [1], counts: [5, 6], sum: 1, exemplars });
        },
      },
      {
        name: "s",
        type: "summary",
        collect: (_, emit) => {
          for (const value of bad) emit.summary({ quantiles: [], sum: 1, count: value });
        },
      },
    ];
    for (const format of FORMAT_NAMES) {
      const refused = { invalid: 0, duplicate: 0 };
      const { values, exemplars, types } = read(format, write(format, all, refused));
      expect(refused).toEqual({ invalid: 4 + 12 + 1 + 4, duplicate: 2 });
      expect(values.get(series(`${P}c_total`, [{ name: "of", value: "good" }]))).toBe(1);
      expect(values.get(series(`${P}c_total`, [{ name: "of", value: "\ufffd" }]))).toBe(3);
      expect(values.get(series(`${P}h_count`, []))).toBe(11);
      expect([...types.keys()].sort()).toEqual(["c_total", "g", "h"].map((name) => P + name));
      expect(values.size).toBe(2 + 4 + 4);
      expect(exemplars.size).toBe(0);
    }
  });
});
