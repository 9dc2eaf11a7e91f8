import { expect, test } from "bun:test";
import { differences, undoOf } from "../../../../../src/dashboard/page/model/change.ts";
import { overrideTarget, undoOfEntry } from "../../../../../src/dashboard/page/model/overrides.ts";

const PATCH = { method: "PATCH", path: "/api/v1/servers/1" } as const;

test("what differs is said in words", () => {
  expect(differences({ weight: 1, state: "up" }, { weight: 2, state: "up" })).toEqual([
    { name: "weight", before: "1", after: "2" },
  ]);
  expect(differences("active", { state: "drain", until: null })).toEqual([
    { name: "", before: "active", after: "state drain, until none" },
  ]);
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

test("an override says what it is about", () => {
  const target = { pool: "shop", server: "10.0.0.1:8080" };
  expect(overrideTarget({ kind: "weight", target })).toBe("the weight of 10.0.0.1:8080 in pool shop");
  expect(overrideTarget({ kind: "setting", target: { pool: null, setting: "LOG_LEVEL" } })).toBe("LOG_LEVEL");
});
