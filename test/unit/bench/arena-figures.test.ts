/** From outcomes to tables and the plot. */
import { describe, expect, test } from "bun:test";
import { batchesOf, CONTESTANTS, DEFAULT_CONTESTANTS, selectContestants } from "../../../bench/arena/contestants.ts";
import { checkRecord } from "../../../bench/arena/measure.ts";
import type { ClientFigures, FleetRecord } from "../../../bench/arena/messages.ts";
import { parseOptions } from "../../../bench/arena/options.ts";
import { Outcomes } from "../../../bench/arena/outcomes.ts";
import { haproxyConfig } from "../../../bench/arena/peers/haproxy.ts";
import { nginxConfig } from "../../../bench/arena/peers/nginx.ts";
import { environment } from "../../../bench/arena/peers/ours.ts";
import { renderPlot } from "../../../bench/arena/plot.ts";
import { conditionsLine, type Report, renderReport } from "../../../bench/arena/report.ts";
import { ResponseReader } from "../../../bench/arena/response-reader.ts";
import { SCENARIOS } from "../../../bench/arena/scenarios.ts";
import { type ScenarioRuns, summariseAll, summariseScenario } from "../../../bench/arena/summary.ts";
import { STRATEGY_NAMES } from "../../../src/balancing/registry.ts";

describe("outcomes", () => {
  test("latency is counted from when a request was due; a failure counts as a second at least", () => {
    const outcomes = new Outcomes(Float64Array.of(0, 10, 20, 30));
    outcomes.record(1, null, 60);
    outcomes.record(0, null, 100);
    outcomes.record(2, "status", 25);
    outcomes.record(3, "timeout", 10_030);
    expect(outcomes.left).toBe(0);
    const { requests, p50Ms, failures, succeeded, sent, meanMs } = outcomes.figures(0);
    expect([requests, succeeded, sent]).toEqual([4, 2, 4]);
    expect(failures).toEqual({ status: 1, cut: 0, timeout: 1, wrong: 0 });
    expect(p50Ms).toBe((100 + 1000) / 2); // of 50, 100, 1000, 10 000
    expect(meanMs).toBe((50 + 100 + 1000 + 10_000) / 4);
  });

  test("what was due during the warm-up is not measured", () => {
    const outcomes = new Outcomes(Float64Array.of(0, 10, 20));
    for (const request of [0, 1, 2]) outcomes.record(request, request === 0 ? "cut" : null, 25);
    const figures = outcomes.figures(10);
    expect([figures.requests, figures.succeeded, figures.failures.cut]).toEqual([2, 2, 0]);
    expect(figures.p999Ms).toBeCloseTo(15, 0);
  });

  test("a request has one outcome", () => {
    const outcomes = new Outcomes(Float64Array.of(0, 1));
    outcomes.record(0, null, 5);
    expect(() => outcomes.record(0, "cut", 6)).toThrow("request 0 has two outcomes");
  });
});

describe("ResponseReader", () => {
  const TEXT = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n42";

  test("finds a response in pieces of any size", () => {
    const reader = new ResponseReader();
    for (const size of [1, 7, TEXT.length]) {
      for (let at = 0; at < TEXT.length; at += size) {
        const found = reader.push(Buffer.from(TEXT.slice(at, at + size)));
        const last = at + size >= TEXT.length;
        expect(found).toEqual(last ? { status: 200, body: "42", keepsAlive: true } : null);
      }
    }
  });

  test("sees that a connection ends, and refuses what it cannot be sure of", () => {
    const closing = "HTTP/1.1 503 Sorry\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    expect(new ResponseReader().push(Buffer.from(closing))).toEqual({ status: 503, body: "", keepsAlive: false });
    expect(() => new ResponseReader().push(Buffer.from(`${TEXT}x`))).toThrow("bytes after the end");
    expect(() => new ResponseReader().push(Buffer.from("HTTP/1.1 200 OK\r\n\r\n"))).toThrow("without Content-Length");
  });
});

function figures(p99Ms: number, errors = 0): ClientFigures {
  const failures = { status: errors, cut: 0, timeout: 0, wrong: 0 };
  const p50Ms = p99Ms / 10;
  return {
    requests: 100,
    meanMs: p50Ms,
    p50Ms,
    p95Ms: 1,
    p99Ms,
    p999Ms: 2 * p99Ms,
    failures,
    sent: 110,
    succeeded: 110 - errors,
  };
}

function record(received: number, answered = 110): FleetRecord {
  return { received: [received - 10, 10], served: [received, 0], failed: [0, 0], hung: [0, 0], answered };
}

function runs(
  scenario: string,
  p99: Readonly<Record<string, readonly [p99Ms: number, errors?: number][]>>,
): ScenarioRuns {
  return {
    scenario,
    contestants: Object.entries(p99).map(([name, rounds]) => ({
      name,
      side: name === "direct" ? "reference" : /^(nginx|haproxy)/.test(name) ? "peer" : "ours",
      rounds: rounds.map(([ms, errors]) => ({ figures: figures(ms, errors), record: record(121) })),
    })),
    theory: [{ p50Ms: 9, p99Ms: 95 }],
    conditions: [{ sentLateP99Ms: 1, answeredLateP99Ms: 1.5, busy: 0.5 }],
  };
}

const FIRST = runs("first", {
  ml: [[80, 3], [90]],
  "nginx-least_conn": [[100, 1], [100]],
  "haproxy-leastconn": [[90], [120]],
  direct: [[50], [50]],
});
const SECOND = runs("second", {
  ml: [[110], [110]],
  "nginx-least_conn": [[150, 5], [150]],
  "haproxy-leastconn": [[100, 2], [100]],
  direct: [[50], [50]],
});

describe("summary", () => {
  test("the ratio is to the peer with the lowest p99 of that scenario, round by round; a reference is no peer", () => {
    const first = summariseScenario(FIRST);
    expect(first.bestPeer).toBe("nginx-least_conn"); // 100 against √(90 · 120)
    const ml = first.contestants[0];
    expect(ml.p99Ratio?.value).toBeCloseTo(Math.sqrt(0.8 * 0.9));
    expect(ml.p99Ratio?.halfWidth).toBeGreaterThan(0);
    expect([ml.errors, ml.errorShare]).toEqual([3, 3 / 200]);
    expect(ml.attempts).toBe(1.1);
    expect(first.fewestPeerErrors).toBe(0);
    expect(summariseScenario(SECOND).bestPeer).toBe("haproxy-leastconn");
    expect(summariseScenario(runs("alone", { ml: [[10]] }))).toMatchObject({ bestPeer: null, fewestPeerErrors: null });
  });

  test("over scenarios: geometric mean, worst case, and errors beyond those of the peer that had the fewest", () => {
    const all = summariseAll([FIRST, SECOND].map(summariseScenario));
    const of = (name: string) => all.find((row) => row.name === name)!;
    expect(of("ml").p99Ratio).toBeCloseTo(Math.sqrt(Math.sqrt(0.8 * 0.9) * 1.1));
    expect(of("ml")).toMatchObject({ worstScenario: "second", errors: 3, excessErrors: 3 });
    expect(of("ml").worstRatio).toBeCloseTo(1.1);
    expect(of("nginx-least_conn")).toMatchObject({ errors: 6, excessErrors: 1 + 3 });
    expect(summariseAll([summariseScenario(runs("alone", { ml: [[10]] }))])).toEqual([]);
  });

  test("clients cannot have got what no server gave", () => {
    const contestant = CONTESTANTS[0];
    const check = (of: ClientFigures, by: FleetRecord) => () => checkRecord({ contestant, figures: of, record: by });
    expect(check(figures(1), record(110))).not.toThrow();
    expect(check(figures(1, 2), record(130, 110))).not.toThrow(); // two were given up, then answered
    expect(check(figures(1), record(110, 109))).toThrow(
      "clients got 110 right and 0 wrong answers, servers answered 109",
    );
    const wrong = { ...figures(1), failures: { status: 0, cut: 0, timeout: 0, wrong: 1 } };
    expect(check(wrong, record(110))).toThrow("1 wrong");
  });
});

describe("report", () => {
  const report: Report = {
    machine: { processor: "CPU <1>", cores: 2, memoryGiB: 4, kernel: "Linux 6", runtime: "Bun", date: "2026-11-02" },
    versions: ["nginx 1.0"],
    missing: ["haproxy-random (install it)"],
    settings: "10 servers",
    meanMs: 40,
    scenarios: [FIRST, SECOND],
  };

  test("tables say ratios, errors, the best peer, who is missing, and what the arena adds", () => {
    const text = renderReport(report, false);
    expect(text).toContain("first: latency, ms (2 rounds); ratio to the best peer, nginx-least_conn");
    expect(text).toMatch(/ml +8\.5 +84\.9 +170 +3 \(1\.50 %\) +1\.100 +0\.849 ±/);
    expect(text).toMatch(/ml +0\.966 +1\.10 +second +0\.966 +3 +3/);
    expect(text).toContain("missing: haproxy-random (install it)");
    expect(text).toContain("direct against the simulator: p50 −4.0 ms, p99 −45.0 ms");
    expect(renderReport(report, true)).toContain("| ml ");
  });

  test("a machine that is in the way is named", () => {
    const [condition] = FIRST.conditions;
    expect(conditionsLine(FIRST, 40)).not.toContain("TOO BUSY");
    expect(conditionsLine({ ...FIRST, conditions: [condition, { ...condition, sentLateP99Ms: 5 }] }, 40)).toContain(
      "TOO BUSY",
    );
    expect(conditionsLine({ ...FIRST, conditions: [{ ...condition, answeredLateP99Ms: 5 }] }, 40)).toContain(
      "TOO BUSY",
    );
  });

  test("the plot has everyone in every scenario, and nothing unescaped", () => {
    const svg = renderPlot(report);
    expect(svg).toContain("<title>ml: 0.849</title>");
    expect(svg).toContain(">geometric mean<");
    expect(svg.match(/<title>haproxy-leastconn:/g)).toHaveLength(3);
    expect(svg).toContain("CPU &#60;1&#62;");
    expect(svg).not.toContain("NaN");
  });
});

describe("contestants", () => {
  const setup = {
    directory: "/d",
    port: 1234,
    servers: [
      { host: "127.1.0.1", port: 80 },
      { host: "127.1.0.2", port: 81 },
    ],
    workers: [8, 2],
    plannedWorkers: 5,
    tryTimeoutMs: 4000,
    p95Ms: null,
  };

  test("every strategy that can be compared takes part, and hedging needs whom it hedges", () => {
    const strategies = STRATEGY_NAMES.filter((name) => name !== "consistent_hash" && name !== "weighted_round_robin");
    expect(DEFAULT_CONTESTANTS).toEqual(expect.arrayContaining([...strategies, "nginx-random-tuned", "direct"]));
    expect(DEFAULT_CONTESTANTS).not.toContain("p2c+hedge");
    expect(selectContestants(["p2c+hedge", "p2c"]).map(({ name }) => name)).toEqual(["p2c", "p2c+hedge"]);
    expect(() => selectContestants(["p2c+hedge"])).toThrow("p2c+hedge hedges after the p95 of p2c: name p2c too");
    expect(() => selectContestants(["envoy"])).toThrow("no contestant envoy; there are round_robin, ");
  });

  test("batches are no larger than wanted, lose nobody, and hedge last", () => {
    const all = selectContestants([...DEFAULT_CONTESTANTS, "p2c+hedge"]);
    const batches = batchesOf(all, 6);
    const names = (some: typeof all): string[] => some.map(({ name }) => name).sort();
    expect(names(batches.flat())).toEqual(names(all));
    expect(Math.max(...batches.map(({ length }) => length))).toBeLessThanOrEqual(6);
    expect(batches.at(-1)?.map(({ name }) => name)).toContain("p2c+hedge");
    expect(
      batches
        .slice(0, -1)
        .flat()
        .every(({ hedges }) => hedges === null),
    ).toBe(true);
  });

  test("all get the same servers and the same time for an attempt", () => {
    expect(environment(setup, "p2c")).toMatchObject({
      SERVERS: "http://127.1.0.1:80,http://127.1.0.2:81",
      LB_STRATEGY: "p2c",
      PER_TRY_TIMEOUT_MS: "4000",
      RETRY_ON_STATUS: "5xx",
      WORKERS: "1",
    });
    for (const text of [nginxConfig(setup, "least_conn", false), nginxConfig(setup, "random", true)]) {
      expect(text).toContain("server 127.1.0.2:81");
      expect(text).toContain("proxy_read_timeout 4000ms;");
      expect(text).toContain("keepalive 1024;");
    }
    for (const text of [haproxyConfig(setup, "leastconn", false), haproxyConfig(setup, "random", true)]) {
      expect(text).toContain("server s2 127.1.0.2:81");
      expect(text).toContain("timeout server 4000ms");
      expect(text).toContain("http-reuse always");
      expect(text).toContain("option httpchk GET /health");
    }
  });

  test("the peers balance as their names say, and only the tuned ones repeat what a server answered", () => {
    expect(nginxConfig(setup, "least_conn", false)).toContain("least_conn;");
    expect(nginxConfig(setup, "random", false)).toContain("random two least_conn;");
    expect(nginxConfig(setup, "random", false)).not.toContain("http_503");
    expect(nginxConfig(setup, "random", true)).toMatch(
      /proxy_next_upstream error timeout .*http_503.* non_idempotent;/,
    );
    expect(nginxConfig(setup, "random", true)).toContain("max_fails=3 fail_timeout=5s;");
    expect(haproxyConfig(setup, "leastconn", false)).toContain("balance leastconn");
    expect(haproxyConfig(setup, "random", false)).toContain("balance random(2)");
    expect(haproxyConfig(setup, "random", false)).not.toContain("503");
    expect(haproxyConfig(setup, "random", true)).toMatch(/retry-on conn-failure .*503/);
    expect(haproxyConfig(setup, "random", true)).toContain("observe layer7 error-limit 5 on-error mark-down");
  });

  test("servers have a maxconn where requests are to wait in HAProxy", () => {
    expect(haproxyConfig(setup, "leastconn", true)).toContain("server s1 127.1.0.1:80\n");
    expect(haproxyConfig(setup, "leastconn", true, [8, 2])).toContain("server s2 127.1.0.2:81 maxconn 2\n");
    expect(haproxyConfig(setup, "leastconn", true, [8, 2])).toContain("timeout queue");
  });

  test("hedging begins at the p95 that was measured, within the budget", () => {
    expect(environment(setup, "p2c")).not.toHaveProperty("HEDGE_AFTER_MS");
    expect(environment({ ...setup, p95Ms: 87.6 }, "p2c")).toMatchObject({
      HEDGE_AFTER_MS: "88",
      HEDGE_BUDGET_PERCENT: "5",
    });
  });
});

describe("options", () => {
  test("what is chosen, and what is wrong with it", () => {
    const options = parseOptions(["--scenarios", "compound,homogeneous", "--contestants", "p2c", "--seconds", "3"]);
    if (typeof options === "string") throw new Error(options);
    expect(options.scenarios).toEqual(["homogeneous", "compound"]);
    expect(options.contestants.map(({ name }) => name)).toEqual(["p2c"]);
    expect(options.durationMs).toBe(3000);
    expect(SCENARIOS).not.toContain("stale-metrics");
    expect(SCENARIOS.slice(-4)).toEqual(["small-fleet", "classes", "resize", "stalls"]);
    expect(parseOptions(["--help"])).toContain("npm run bench:arena");
    expect(parseOptions(["--list"])).toContain("LB_STRATEGY=p2c, hedging within 5 %");
    expect(() => parseOptions(["--scenarios", "stale-metrics"])).toThrow("no scenario stale-metrics; there are homo");
    expect(() => parseOptions(["--rounds", "0"])).toThrow("--rounds is a number from 1 to 1000");
    expect(() => parseOptions(["--rounds", "1.5"])).toThrow("--rounds is a whole number");
  });
});
