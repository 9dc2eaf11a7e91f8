import { describe, expect, test } from "bun:test";
import type { Recording } from "../../../../src/replay/recording.ts";
import { plotReplay } from "../../../../src/replay/report/plot.ts";
import { renderReplay } from "../../../../src/replay/report/table.ts";
import type { CheckedFigure, Forecast, Interval, ReplayResult } from "../../../../src/replay/result.ts";

const around = (value: number): Interval => ({ value, low: value * 0.9, high: value * 1.1 });
const exactly = (value: number): Interval => ({ value, low: value, high: value });

const recording: Recording = {
  source: "store, pool <default>\u001b[2J",
  startMs: Date.UTC(2026, 10, 29, 20),
  durationMs: 3_723_000,
  strategy: "round_robin",
  servers: [
    { name: "a:80", weight: 1, capacity: null },
    { name: "b:80", weight: 1, capacity: null },
  ],
  classes: ["default"],
  requests: {
    atMs: new Float64Array(),
    server: new Int16Array(),
    class: new Int16Array(),
    latencyMs: new Float32Array(),
    waitMs: new Float32Array(),
    failed: new Uint8Array(),
    inFlight: new Int16Array(),
    weight: new Float32Array(),
  },
  arrivals: null,
  absences: [],
};

const forecast = (strategy: string, p99: number, ran = false): Forecast => ({
  strategy,
  ran,
  p50Ms: around(10),
  p99Ms: around(p99),
  p999Ms: around(p99 * 2),
  meanMs: around(12),
  overloaded: [],
  errorShare: exactly(0),
  shares: [0.4, 0.6],
});

const checked = (name: string, holds = true): CheckedFigure => ({
  name,
  unit: name === "p99" ? "ms" : "share",
  measured: 0.5,
  predicted: exactly(0.5),
  holds,
});

const figures = [checked("p99"), checked("errors")];

const result: ReplayResult = {
  recorded: {
    requests: 123_456,
    durationMs: 3_723_000,
    p50Ms: 9.96,
    p99Ms: 151.4,
    p999Ms: 299,
    meanMs: 0.5,
    errorShare: 0.001,
    shares: [0.5, 0.5],
  },
  selfCheck: { verdict: "passed", reasons: [], strategy: "round_robin", ahead: figures, again: figures },
  forecasts: [forecast("round_robin", 150, true), forecast("adaptive", 80)],
  servers: [
    {
      name: "a:80",
      workers: 4,
      discipline: "fifo",
      speed: 1.25,
      pausedShare: 0.01,
      slowShare: 0,
      failedShare: 0.0004,
      awayShare: 0,
    },
    {
      name: "b:80",
      workers: null,
      discipline: "ps",
      speed: 0.75,
      pausedShare: 0,
      slowShare: 0.2,
      failedShare: 0,
      awayShare: 0,
    },
  ],
  notes: ["something had to be assumed"],
};

const failed: ReplayResult = {
  ...result,
  selfCheck: {
    verdict: "failed",
    reasons: ["p99 was 500 ms, predicted 100 ms"],
    strategy: "round_robin",
    ahead: [checked("p99", false), checked("errors", false)],
    again: figures,
  },
  forecasts: [],
};

describe("the table", () => {
  const text = renderReplay(recording, result, ["Lines were left out."]);

  test("what was recorded, with notes as sentences, and nothing that a terminal obeys", () => {
    expect(text).toContain("2026-11-29 20:00:00 to 2026-11-29 21:02:03 UTC (1 h 2 min 3 s)");
    expect(text).toContain("123,456 requests, 2 servers, 1 kind of requests; strategy round_robin");
    expect(text).toContain("Note: Lines were left out.\n  Note: something had to be assumed.\n");
    expect(text).toContain("\\u001b[2J");
    expect(text).not.toContain("\u001b");
  });

  test("the strategies, and what really happened beside the one that ran", () => {
    const lines = text.split("\n").map((line) => line.trim().split(/ {2,}/));
    const row = (name: string) => lines.find(([first]) => first === name);
    expect(row("round_robin (ran)")).toEqual([
      "round_robin (ran)",
      "10.0 (9.0–11.0)",
      "150 (135–165)",
      "300 (270–330)",
      "12.0 (10.8–13.2)",
      "0 %",
      "40.0 % … 60.0 %",
    ]);
    expect(row("as it really was")?.slice(1)).toEqual(["10.0", "151", "299", "0.50", "0.10 %", "50.0 %"]);
    expect(row("adaptive")?.[2]).toBe("80.0 (72.0–88.0)");
    expect(row("b:80")).toEqual(["b:80", "no limit seen", "shared", "0.75", "0 %", "20.0 %", "0 %", "0 %"]);
  });

  test("strategies that would overload servers are marked", () => {
    const forecasts = [result.forecasts[0], { ...result.forecasts[1], overloaded: ["a:80", "b:80"] }];
    const full = { ...result, forecasts };
    expect(renderReplay(recording, full, [])).toContain("adaptive (overload)");
    expect(plotReplay(recording, full)).toContain("would overload servers");
  });

  test("a failed check has reasons and no figures", () => {
    const said = renderReplay(recording, failed, []);
    expect(said).toContain("Self-check: FAILED");
    expect(said).toContain("- p99 was 500 ms, predicted 100 ms");
    expect(said.match(/<- off/g)).toHaveLength(2);
    expect(said).not.toContain("What each strategy");
    expect(said).not.toContain("adaptive");
  });
});

describe("the picture", () => {
  const svg = plotReplay(recording, result);

  test("one row for each strategy, three figures in each, crosses for what really happened", () => {
    expect(svg).toStartWith("<svg ");
    expect(svg.match(/<circle [^>]*r="4.5"[^>]*\/><\/g>/g)).toHaveLength(6);
    expect(svg.match(/, really: /g)).toHaveLength(3);
    expect(svg).toContain("is what ran");
  });

  test("text from outside is escaped, and every number is one", () => {
    expect(svg).toContain("store, pool &lt;default&gt;");
    expect(svg).not.toContain("NaN");
    expect(svg).not.toContain("Infinity");
  });

  test("nobody knows what ran: no crosses", () => {
    const unknown = { ...result, forecasts: result.forecasts.map((one) => ({ ...one, ran: false })) };
    expect(plotReplay(recording, unknown)).not.toContain("really");
  });
});
