import { describe, expect, test } from "bun:test";
import type { WriteStream } from "node:tty";
import { ansiPaint, plainPaint, visibleWidth } from "../../../src/demo/paint.ts";
import { TerminalScreen } from "../../../src/demo/screen.ts";
import { type DemoSummary, renderSummary } from "../../../src/demo/summary.ts";
import { type DemoView, renderLine, renderView, type ServerView } from "../../../src/demo/view.ts";

const server = (name: string, port: number, share: number, more: Partial<ServerView> = {}): ServerView => ({
  name,
  url: `http://127.0.0.1:${port}`,
  pid: 4000 + port,
  state: "up",
  share,
  perSecond: share * 200,
  inFlight: 1,
  p95Ms: 12.3,
  cpuPercent: 4.4,
  ...more,
});

const view: DemoView = {
  url: "http://127.0.0.1:8080",
  pageUrl: "http://127.0.0.1:8090/",
  strategy: "least_connections",
  workers: 2,
  balancerPid: 999,
  elapsedMs: 12_345,
  endsAtMs: null,
  perSecond: 201.4,
  p99History: [70, 140, 71],
  p50Ms: 8.44,
  p99Ms: 71.2,
  succeeded: 2412,
  failed: 0,
  servers: [
    server("fast", 8001, 0.62),
    server("medium", 8002, 0.3, { state: "down" }),
    server("slow", 8003, 0.08, { pid: null, state: "killed", cpuPercent: null }),
  ],
  events: [{ atMs: 7000, text: "slow (pid 12003) ended by signal SIGKILL" }],
};

describe("renderView", () => {
  const screen = (width: number, height: number) => renderView(view, width, height, plainPaint).join("\n");

  test("shows what there is to know", () => {
    const text = screen(100, 30);
    for (const part of [
      "http://127.0.0.1:8080",
      "strategy least_connections",
      "0:12",
      "201 req/s",
      "p50 8.4 ms",
      "p99 71 ms",
      "2,412 ok",
      "0 failed",
      "0:07  slow (pid 12003) ended by signal SIGKILL",
      "kill -9 12001",
      "kill -STOP 12002",
      "curl http://127.0.0.1:8080/api/v1/servers",
    ]) {
      expect(text).toContain(part);
    }
    const row = text.split("\n").find((line) => line.includes("fast "))!;
    expect(row).toMatch(/fast +:8001 +up +█+.?░+ +62 % +124 +1 +12 ms +4 % +12001$/);
    expect(text).toMatch(/slow +:8003 +killed .* –$/m);
  });

  test("a longer bar for a larger share", () => {
    const filled = (name: string) =>
      [
        ...screen(100, 30)
          .split("\n")
          .find((line) => line.startsWith(` ${name} `))!,
      ].filter((c) => c === "█").length;
    expect(filled("fast")).toBeGreaterThan(filled("medium"));
    expect(filled("medium")).toBeGreaterThan(filled("slow"));
  });

  test("fits every screen", () => {
    for (const paint of [plainPaint, ansiPaint]) {
      for (let width = 1; width <= 160; width++) {
        for (const height of [1, 5, 12, 24, 50]) {
          const lines = renderView(view, width, height, paint);
          expect(lines.length).toBeLessThanOrEqual(height);
          for (const line of lines) expect(visibleWidth(line)).toBeLessThanOrEqual(width);
        }
      }
    }
  });

  test("on a small screen the servers stay and the hints go", () => {
    expect(screen(60, 10)).toContain("slow");
    expect(screen(60, 10)).not.toContain("Try in");
    expect(screen(40, 30)).toMatch(/fast .*62 %/);
  });

  test("colour only where it is asked for", () => {
    expect(screen(100, 30)).not.toContain("\x1b");
    expect(renderView(view, 100, 30, ansiPaint).join("")).toContain("\x1b[31mkilled");
  });

  test("has nothing to say of servers that have no numbers yet", () => {
    const servers = [server("fast", 1, Number.NaN, { perSecond: 0, p95Ms: null, cpuPercent: null })];
    const text = renderView({ ...view, servers, p50Ms: Number.NaN }, 100, 30, plainPaint).join("\n");
    expect(text).not.toContain("NaN");
    expect(text).toContain("p50 –");
  });
});

test("renderLine is one line with every server", () => {
  expect(renderLine(view)).toBe(
    "0:12  201 req/s  p50 8.4 ms  p99 71 ms  failed 0  | fast 62 % · medium 30 % (down) · slow 8 % (killed)",
  );
});

describe("renderSummary", () => {
  const summary: DemoSummary = {
    strategy: "least_connections",
    url: "http://127.0.0.1:8080",
    seconds: 10.02,
    requests: 2000,
    succeeded: 1990,
    failed: 10,
    failed_unexplained: 0,
    failures: { "status 502": 10 },
    p50_ms: 7.1,
    p99_ms: null,
    servers: [{ name: "fast", url: "http://127.0.0.1:8001", share: 0.7, requests: 1400, state: "up" }],
  };

  test("tells failures that had a cause from those that had none", () => {
    expect(renderSummary(summary)).toContain(
      "2,000 requests in 10 s over least_connections: 1,990 succeeded, 10 failed",
    );
    expect(renderSummary(summary)).toContain("failed 10 ×: status 502");
    expect(renderSummary(summary)).toContain("killed, frozen");
    expect(renderSummary({ ...summary, failed_unexplained: 3 })).toContain("3 failed while every server was well");
    expect(renderSummary({ ...summary, failed: 0, failures: {} })).not.toContain("killed");
  });
});

test("a terminal that says it has no size is taken for one of 80 by 24", () => {
  const written: string[] = [];
  const out = { columns: 0, rows: 0, write: (text: string) => written.push(text) };
  new TerminalScreen(out as unknown as WriteStream, false).show(view);
  const shown = renderView(view, 80, 24, plainPaint);
  for (const line of shown) expect(written.join("")).toContain(line);
});
