import { beforeEach, describe, expect, test } from "bun:test";
import { recentWindow } from "../../../../../src/replay/reading/store/recent.ts";
import { FakeHistory, SINCE } from "./fake-history.ts";

const MINUTE_MS = 60_000;
const UNTIL = SINCE + 10 * MINUTE_MS;
let history: FakeHistory;

beforeEach(() => {
  history = new FakeHistory();
});

const recent = (mostRequests = 100, sinceMs = SINCE) =>
  recentWindow(history, { pool: "default", sinceMs, untilMs: UNTIL, mostRequests });

function started(strategy: string, atMs: number): void {
  history.event({ atMs, kind: "start", pool: "", detail: { strategies: { default: strategy } } });
}

function switched(from: string, to: string, atMs: number, pool = "default"): void {
  history.event({ atMs, kind: "change", pool, detail: { strategy: { from, to } } });
}

describe("under one strategy", () => {
  test("all of it, where nothing is known or nothing was changed", async () => {
    expect(await recent()).toEqual({ sinceMs: SINCE, notes: [] });
    started("p2c", SINCE - MINUTE_MS);
    expect(await recent()).toEqual({ sinceMs: SINCE, notes: [] });
  });

  test("a window begins with a full second", async () => {
    expect((await recent(100, SINCE + 1)).sinceMs).toBe(SINCE + 1000);
  });

  test("what came since the last change", async () => {
    started("random", SINCE - MINUTE_MS);
    switched("random", "p2c", SINCE + MINUTE_MS);
    switched("p2c", "adaptive", SINCE + 2 * MINUTE_MS + 300);
    const { sinceMs, notes } = await recent();
    expect(sinceMs).toBe(SINCE + 2 * MINUTE_MS + 1000);
    expect(notes).toEqual(["The strategy was changed: only what came since then is replayed."]);
  });

  test("a restart is no change, nor is what becomes of other pools", async () => {
    started("p2c", SINCE - MINUTE_MS);
    started("p2c", SINCE + MINUTE_MS);
    switched("p2c", "random", SINCE + 2 * MINUTE_MS, "other");
    expect(await recent()).toEqual({ sinceMs: SINCE, notes: [] });
  });

  test("a restart with another strategy is one", async () => {
    started("p2c", SINCE - MINUTE_MS);
    started("adaptive", SINCE + MINUTE_MS);
    started("adaptive", SINCE + 2 * MINUTE_MS);
    expect((await recent()).sinceMs).toBe(SINCE + MINUTE_MS);
  });

  test("a change this very second leaves nothing", async () => {
    switched("p2c", "random", UNTIL - 10);
    expect((await recent()).sinceMs).toBe(UNTIL);
  });
});

test("of more requests than can be replayed in seconds, the last full seconds", async () => {
  for (let second = 0; second < 20; second++) {
    for (let i = 0; i < 10; i++)
      history.request({ atMs: SINCE + second * 1000, durationMs: 1, server: `s${i % 2}:80` });
  }
  const { sinceMs, notes } = await recent(55);
  expect(sinceMs).toBe(SINCE + 15_000);
  expect(notes).toEqual(["Of more than 55 requests only the last are replayed."]);
  expect((await recent(200)).sinceMs).toBe(SINCE);
});
