/** From samples to tables and the plot. */
import { describe, expect, test } from "bun:test";
import { geometricMean, median, quantile, ratios, spread } from "../../../bench/common/statistics.ts";
import { parseOptions } from "../../../bench/proxy/options.ts";
import { renderPlot } from "../../../bench/proxy/plot.ts";
import { descendants, parseStat } from "../../../bench/proxy/process-tree.ts";
import { type Report, renderReport } from "../../../bench/proxy/report.ts";
import { selectRows } from "../../../bench/proxy/rows.ts";
import { differences } from "../../../bench/proxy/same-work.ts";
import { overall, summarise } from "../../../bench/proxy/summary.ts";

function peer(name: string, ...cpu: number[]) {
  const asideUsPerRequest = name === "ml" ? 1 : 0;
  const common = { asideUsPerRequest, requests: 100, seconds: 2, p50Ms: 1, p99Ms: 3 };
  const samples = cpu.map((cpuUsPerRequest) => ({ cpuUsPerRequest, ...common }));
  return { peer: name, samples, rssBytes: 2 ** 20, logDifference: 0, bytesPerConnection: null };
}

const SMALL = {
  row: "small",
  accessLog: true,
  peers: [peer("ours", 10, 30, 12), peer("nginx", 20, 60, 20), peer("haproxy", 30, 70, 30)],
};
const TLS = { row: "tls", accessLog: true, peers: [peer("ours", 8), peer("nginx", 20), peer("haproxy", 10)] };
const PACED = { row: "paced", accessLog: true, peers: [peer("ours", 90), peer("nginx", 10), peer("haproxy", 10)] };

describe("statistics", () => {
  test("median, quantiles, geometric mean, ratios by round", () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1])).toBe(2.5);
    expect(median([])).toBeNaN();
    expect(quantile([0, 10], 0.25)).toBe(2.5);
    expect(geometricMean([0.5, 2])).toBeCloseTo(1);
    expect(geometricMean([])).toBeNaN();
    expect(ratios([1, 4], [2, 2])).toEqual([0.5, 2]);
    expect(spread([1, 2, 3, 4, 5])).toEqual({ median: 3, low: 2, high: 4 });
  });
});

describe("summary", () => {
  test("the ratio is the median of the rounds' ratios to the better rival", () => {
    const found = summarise(SMALL);
    expect(found.better).toBe("nginx");
    expect(found.toBetter?.median).toBeCloseTo(0.5); // 0.5, 0.5, 0.6: the disturbed round does not count double
    expect(found.toBase).toBeNull();
    expect(summarise(TLS).better).toBe("haproxy");
    expect(summarise({ ...SMALL, peers: SMALL.peers.slice(0, 1) }).toBetter).toBeNull();
  });

  test("variants are compared with the first, with the learner and without", () => {
    const peers = [peer("ours", 9, 9), peer("round_robin", 10, 20), peer("ml", 12, 22), peer("nginx", 20, 20)];
    const { variants } = summarise({ ...SMALL, peers });
    expect(variants.map(({ variant }) => variant)).toEqual(["round_robin", "ml"]);
    expect(variants[1].toFirst.median).toBeCloseTo(1.15); // 1.2, 1.1
    expect(variants[1].pathToFirst.median).toBeCloseTo(1.075); // 1.1, 1.05
    expect(variants[1].asideUs.median).toBe(1);
    expect(summarise(SMALL).variants).toEqual([]);
  });

  test("the geometric mean is over scored rows with that log alone", () => {
    const rows = selectRows(["small", "tls", "paced"]);
    const figures = [SMALL, TLS, PACED, { ...TLS, accessLog: false }].map(summarise);
    expect(overall(figures, rows, true, "toBetter")).toBeCloseTo(Math.sqrt(0.5 * 0.8));
    expect(overall(figures, rows, false, "toBetter")).toBeCloseTo(0.8);
    expect(overall(figures, rows, true, "toBase")).toBeNaN();
  });
});

describe("report", () => {
  const report: Report = {
    machine: { processor: "CPU <1>", cores: 2, memoryGiB: 4, kernel: "Linux 6", runtime: "Bun", date: "2026-11-02" },
    peers: ["ours", "nginx", "haproxy"].map((name) => ({ name, title: name.toUpperCase(), version: "1" })),
    rows: selectRows(["small", "tls"]),
    figures: [summarise(SMALL), summarise(TLS)],
    rounds: 3,
  };

  test("tables in plain text and Markdown say the same", () => {
    const plain = renderReport(report, false);
    expect(plain).toContain("CPU µs per request, access log on");
    expect(plain).toMatch(/100 B answers, 64 connections +12\.0 +20\.0 +30\.0 +0\.50 \(0\.50–0\.55\)/);
    expect(plain).toMatch(/geometric mean +0\.63/);
    expect(plain).toContain("CPU <1>, 2 cores, 4 GiB, Linux 6, Bun, 2026-11-02");
    const markdown = renderReport(report, true);
    expect(markdown).toMatch(/\| 100 B answers, 64 connections \| +12\.0 \| +20\.0 \| +30\.0 \| +0\.50 /);
  });

  test("variants have a line each, behind the row's name", () => {
    const peers = [peer("ours", 9), peer("round_robin", 10), peer("ml", 12)];
    const names = peers.map(({ peer: name }) => ({ name, title: name, version: "1" }));
    const plain = renderReport({ ...report, peers: names, figures: [summarise({ ...SMALL, peers })] }, false);
    expect(plain).toMatch(/64 connections, log on +ml +12\.00 +1\.00 +1\.200 \(1\.200–1\.200\) +1\.100 /);
    expect(plain).toContain("to round_robin (middle half)");
    expect(renderReport(report, false)).not.toContain("Variants");
  });

  test("the plot is one well-formed picture with a bar per proxy and row", () => {
    const svg = renderPlot(report);
    expect(svg.match(/<rect class="ours" x="\d+" y="\d+" width="\d+" height="8">/g)).toHaveLength(2);
    expect(svg).toContain("63 % of the better");
    expect(svg).not.toContain("NaN");
    expect(svg).not.toContain("CPU <1>");
    const open = svg.match(/<(?!\/|\?)[a-z]+/g)?.length ?? 0;
    const closed = (svg.match(/<\/[a-z]+>/g)?.length ?? 0) + (svg.match(/\/>/g)?.length ?? 0);
    expect(open).toBe(closed);
  });
});

describe("same work", () => {
  const request = [
    "GET /echo HTTP/1.1",
    "Host: bench.example.com",
    "X-Forwarded-For: 127.0.0.1",
    "X-Forwarded-Proto: http",
    "X-Forwarded-Host: bench.example.com",
    'Forwarded: for=127.0.0.1;host="bench.example.com";proto=http',
    "Via: 1.1 proxy",
    `X-Request-Id: ${"0".repeat(32)}`,
  ].join("\r\n");

  test("a proxy that does all is not noted, and what one leaves out is", () => {
    expect(differences("x", request)).toEqual([]);
    const forged = request.replace("For: 127.0.0.1", "For: 6.6.6.6, 127.0.0.1");
    expect(differences("x", forged)).toEqual(["note: x sends x-forwarded-for: 6.6.6.6, 127.0.0.1"]);
    expect(differences("x", request.replace(/\r\nVia.*/, ""))).toEqual(["note: x sends via: nothing"]);
  });
});

describe("process tree", () => {
  test("the fields of a process whose name has spaces and parentheses", () => {
    const after = `S 7 ${Array.from({ length: 9 }, () => 0).join(" ")} 100 20 3 4 ${"0 ".repeat(30)}`;
    expect(parseStat(`12 (a (b) c) ${after}`)).toEqual({ parent: 7, ownTicks: 120, childTicks: 7 });
  });

  test("descendants of all generations, and of nobody else", () => {
    const parents = new Map([
      [2, 1],
      [3, 2],
      [4, 3],
      [9, 8],
    ]);
    expect(descendants(2, parents)).toEqual([2, 3, 4]);
  });
});

describe("options", () => {
  test("defaults, quick, and a choice of rows and peers in the table's order", () => {
    expect(parseOptions([])?.accessLogs).toEqual([true, false]);
    expect(parseOptions(["--quick"])!.effort.rounds).toBeLessThan(parseOptions([])!.effort.rounds);
    const chosen = parseOptions(["--rows", "tls,small", "--peers", "nginx", "--log", "off", "--rounds", "2"])!;
    expect(chosen.rows.map(({ name }) => name)).toEqual(["small", "tls"]);
    expect(chosen.peers).toEqual(["nginx"]);
    expect(chosen.accessLogs).toEqual([false]);
    expect(chosen.effort.rounds).toBe(2);
    expect(parseOptions(["--peers", "round_robin,ml"])?.peers).toEqual(["round_robin", "ml"]);
    expect(parseOptions(["--help"])).toBeNull();
  });

  test("what is wrong is said with what would be right", () => {
    expect(() => parseOptions(["--rows", "smal"])).toThrow("no row smal; there are small, ");
    expect(() => parseOptions(["--peers", "varnish"])).toThrow("no peer varnish; there are nginx");
    expect(() => parseOptions(["--log", "maybe"])).toThrow("--log is on, off or both");
    expect(() => parseOptions(["--rounds", "0"])).toThrow("--rounds is a positive number");
  });
});
