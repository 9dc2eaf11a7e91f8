import { describe, expect, test } from "bun:test";
import type { ShownOverride } from "../../../../../src/dashboard/page/api/shapes.ts";
import { differences, undoOf } from "../../../../../src/dashboard/page/model/change.ts";
import {
  overrideTarget,
  overrideValue,
  settingAgain,
  undoOfEntry,
} from "../../../../../src/dashboard/page/model/overrides.ts";

const PATCH = { method: "PATCH", path: "/api/v1/servers/1" } as const;

test("what differs is said in words", () => {
  expect(differences({ weight: 1, state: "up" }, { weight: 2, state: "up" })).toEqual([
    { name: "weight", before: "1", after: "2" },
  ]);
  expect(differences("active", { state: "drain", until: null })).toEqual([
    { name: "", before: "active", after: "drain" },
  ]);
  expect(differences({ LB_STRATEGY: "p2c" }, { LB_STRATEGY: "ml" })[0].name).toBe("LB_STRATEGY");
});

test("an undo puts back what was asked for, not what checks said", () => {
  expect(undoOf({ ...PATCH, body: { state: "drain", reason: "x" } }, { state: "up" })?.body).toEqual({
    state: "active",
  });
  const until = "2026-11-30T12:00:00Z";
  expect(undoOf({ ...PATCH, body: { state: "active" } }, { state: { state: "maintenance", until } })?.body).toEqual({
    state: "maintenance",
    until,
  });
  const before = { state: "maintenance", reason: "a new disk" };
  expect(undoOf({ ...PATCH, body: { state: "active" } }, { state: before })?.body).toEqual(before);
  expect(undoOf({ ...PATCH, body: { weight: 3 } }, { weight: 1 })?.body).toEqual({ weight: 1 });
});

test("what cannot be said has no undo", () => {
  expect(undoOf({ ...PATCH, body: { weight: 3 } }, null)).toBeNull();
  expect(undoOf({ ...PATCH, body: { weight: 3 } }, { capacity: 1 })).toBeNull();
  expect(undoOf({ method: "DELETE", path: "/", body: null }, {})).toBeNull();
});

test("entries of the audit lead back to what they were about", () => {
  const servers = [{ id: 7, name: "10.0.0.1:8080", pool: "shop" }];
  const entry = { at: "", actor: "", reason: "", kept: true, after: {} };
  const of = (action: string, target: string, before: unknown) =>
    undoOfEntry({ ...entry, action, target, before }, servers);
  expect(of("server.drain", "server 10.0.0.1:8080 of pool shop", { state: "active" })).toEqual({
    method: "PATCH",
    path: "/api/v1/servers/7",
    body: { state: "active" },
  });
  expect(of("server.drain", "server 10.0.0.9:8080 of pool shop", { state: "active" })).toBeNull();
  expect(of("pool.strategy", "pool shop", { LB_STRATEGY: "p2c" })?.body).toEqual({ options: { LB_STRATEGY: "p2c" } });
  expect(of("route.split", "the split of route /*", { a: 1 })?.path).toBe("/api/v1/routes/%2F*");
  expect(of("override.clear", "all overrides", 3)).toBeNull();
});

const TERMS = {
  pool: "next",
  percent: 25,
  steps: [5, 25, 50],
  stable: { shop: 1 },
  auto: false,
  min_duration_ms: 60_000,
  min_requests: 10,
  max_duration_ms: 600_000,
  tolerance: 0.1,
  began_at: "2026-11-30T12:00:00.000Z",
  began_by: "deploy",
};

test("an override says what it is about, and what it sets", () => {
  expect(overrideValue({ kind: "canary", value: TERMS })).toBe("25 % for pool next");
  expect(overrideValue({ kind: "split", value: { shop: 1 } })).toBe("shop 1");
  const target = { pool: "shop", server: "10.0.0.1:8080" };
  expect(overrideTarget({ kind: "weight", target })).toBe("the weight of 10.0.0.1:8080 in pool shop");
  expect(overrideTarget({ kind: "setting", target: { pool: null, setting: "LOG_LEVEL" } })).toBe("LOG_LEVEL");
});

describe("overrides that were removed are set again", () => {
  const OVERRIDE = { id: "1", configured: null, by: "", reason: "", at: "", until: null, kept: true };
  const server = { pool: "shop", server: "10.0.0.1:8080", address: "" };
  const there = async (pool: string, isIt: (name: string, address: string) => boolean) =>
    pool === "shop" && isIt("10.0.0.1:8080", "") ? 7 : null;
  const again = async (...overrides: ShownOverride[]) =>
    Promise.all(settingAgain(overrides, there)!.map(async (step) => step(null)));

  test("each kind by the request that makes it", async () => {
    const at = "/api/v1/servers/7";
    const of = async (kind: string, target: unknown, value: unknown) =>
      (await again({ ...OVERRIDE, kind, target, value }))[0];
    expect(await of("weight", server, 3)).toEqual({ method: "PATCH", path: at, body: { weight: 3 } });
    expect(await of("capacity", server, 9)).toEqual({ method: "PATCH", path: at, body: { capacity: 9 } });
    expect(await of("state", server, "drain")).toEqual({ method: "PATCH", path: at, body: { state: "drain" } });
    const url = "http://10.0.0.1:8080";
    expect(await of("server_removed", { pool: "shop", url }, null)).toEqual({ method: "DELETE", path: at, body: null });
    expect(await of("server_added", { pool: "shop", url }, { url, weight: 2 })).toEqual({
      method: "POST",
      path: "/api/v1/servers",
      body: { pool: "shop", url, weight: 2 },
    });
    expect(await of("setting", { pool: null, setting: "LOG_LEVEL" }, "warn")).toEqual({
      method: "PATCH",
      path: "/api/v1/settings",
      body: { LOG_LEVEL: "warn" },
    });
    expect(await of("setting", { pool: "a b", setting: "LB_STRATEGY" }, "p2c")).toEqual({
      method: "PATCH",
      path: "/api/v1/pools/a%20b",
      body: { options: { LB_STRATEGY: "p2c" } },
    });
    expect(await of("split", { route: "/*" }, { shop: 1 })).toEqual({
      method: "PATCH",
      path: "/api/v1/routes/%2F*",
      body: { split: { shop: 1 } },
    });
    expect(await of("canary", { route: "/*" }, TERMS)).toEqual({
      method: "POST",
      path: "/api/v1/routes/%2F*/canary",
      body: {
        pool: "next",
        percent: 25,
        steps: [5, 25, 50],
        auto: false,
        min_duration: "60000ms",
        min_requests: 10,
        max_duration: "600000ms",
        tolerance: 0.1,
      },
    });
  });

  test("a canary when the split that it lies over is there again", async () => {
    const split = { ...OVERRIDE, kind: "split", target: { route: "a" }, value: { shop: 1, blog: 1 } };
    const canary = { ...OVERRIDE, kind: "canary", target: { route: "a" }, value: TERMS };
    const added = { ...OVERRIDE, kind: "server_added", target: server, value: { url: "http://10.0.0.1:8080" } };
    const steps = await again(canary, split, added);
    expect(steps.map((step) => step?.path)).toEqual(["/api/v1/servers", "/api/v1/routes/a", "/api/v1/routes/a/canary"]);
  });

  test("with its reason, its end and for how long it was meant; servers first", async () => {
    const until = "2026-11-30T12:00:00Z";
    const state = { ...OVERRIDE, kind: "state", target: server, value: "maintenance", reason: "disk", until };
    const added = { pool: "shop", url: "http://10.0.0.1:8080" };
    const steps = await again(
      { ...state, kept: false },
      { ...OVERRIDE, kind: "server_added", target: added, value: { url: added.url } },
    );
    expect(steps.map((step) => step?.method)).toEqual(["POST", "PATCH"]);
    expect(steps[1]).toMatchObject({ body: { state: "maintenance", until, reason: "disk" }, keep: false });
  });

  test("what is gone, and what this page does not know", async () => {
    const gone = { ...OVERRIDE, kind: "weight", target: { ...server, server: "10.0.0.9:8080" }, value: 3 };
    expect(await again(gone)).toEqual([null]);
    expect(settingAgain([gone, { ...OVERRIDE, kind: "another", target: {}, value: 1 }], there)).toBeNull();
  });
});
