import { describe, expect, test } from "bun:test";
import { parseFleetReport, type ServerReport, TrafficWindow } from "../../../src/load/fleet-report.ts";

describe("parseFleetReport", () => {
  test("reads the contract's answer, and what is beyond it where it is there", () => {
    const contract = { id: 1, url: "http://a:1", alive: false, weight: 1, capacity: 10, active_connections: 3 };
    expect(parseFleetReport([contract])).toEqual([
      { url: "http://a:1", state: "down", reason: "", inFlight: 3, requests: 0, p95Ms: null, cpuPercent: null },
    ]);
    const rich = {
      ...contract,
      alive: true,
      state: "ejected",
      reason: "5 failures in a row",
      requests: 9,
      response_ms: { p50: 1, p90: 2, p95: 3.5, p99: 4 },
      cpu_usage: 12.5,
    };
    expect(parseFleetReport([rich])[0]).toMatchObject({
      state: "ejected",
      reason: "5 failures in a row",
      requests: 9,
      p95Ms: 3.5,
      cpuPercent: 12.5,
    });
  });

  test("throws on anything else", () => {
    expect(() => parseFleetReport({ error: "no" })).toThrow();
    expect(() => parseFleetReport([{ url: 1 }])).toThrow();
  });
});

describe("TrafficWindow", () => {
  const report = (url: string, requests: number): ServerReport => ({
    url,
    requests,
    state: "up",
    reason: "",
    inFlight: 0,
    p95Ms: null,
    cpuPercent: null,
  });

  test("turns counters into rates and shares of the window", () => {
    const window = new TrafficWindow(3000);
    expect(window.traffic().size).toBe(0);
    // Before the window all went to b; within it a gets three times as much.
    for (let s = 0; s <= 4; s++) window.add(s * 1000, [report("a", 0), report("b", 100 * s)]);
    for (let s = 5; s <= 8; s++) window.add(s * 1000, [report("a", 30 * (s - 5)), report("b", 500 + 10 * (s - 5))]);
    expect(window.traffic().get("a")).toEqual({ requests: 90, perSecond: 30, share: 0.75 });
    expect(window.traffic().get("b")).toEqual({ requests: 30, perSecond: 10, share: 0.25 });
  });

  test("has no share without traffic, and takes a restarted counter from zero", () => {
    const window = new TrafficWindow(3000);
    window.add(0, [report("a", 50)]);
    window.add(1000, [report("a", 50)]);
    expect(window.traffic().get("a")).toEqual({ requests: 0, perSecond: 0, share: Number.NaN });
    window.add(2000, [report("a", 10)]);
    expect(window.traffic().get("a")).toEqual({ requests: 10, perSecond: 5, share: 1 });
  });
});
