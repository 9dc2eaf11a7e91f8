import { expect, test } from "bun:test";
import type { NewOverride } from "../../../../src/control/operations/change.ts";
import type { AuditEntry } from "../../../../src/shared/operations/audit.ts";
import type { Override } from "../../../../src/shared/operations/override.ts";
import { MemoryOperationsStore } from "../../../../src/storage/operations/memory-store.ts";
import { operationsOver } from "../admin/changes/fixture.ts";

const target = { pool: "shop", server: "a:1", address: "" };
const OPERATOR = { name: "deploy", client: "10.0.0.7" };

function given() {
  const told: string[] = [];
  const store = new MemoryOperationsStore();
  const state = { broken: false, applied: [] as readonly Override[] };
  const operations = operationsOver({
    configured: ({ kind }) => (kind === "state" ? "active" : 1),
    apply: (overrides) => {
      if (state.broken && overrides.length > 0) throw new Error("the workers do not take it");
      state.applied = overrides;
    },
    events: { note: ({ message }) => void told.push(message) },
    store,
  });
  const change = (set: NewOverride[], reason = "", keep = true, dryRun = false) =>
    operations.change(OPERATOR, { reason, keep, dryRun }, () => {
      return { action: "server.change", target: "server a:1", set, before: 1, after: 5 };
    });
  const audit = () => operations.audit({ limit: 100, sinceMs: null });
  return { state, store, operations, change, audit, told };
}
const weight = (value: number): NewOverride => ({ kind: "weight", target, value });
const actions = (entries: readonly AuditEntry[]) => entries.map(({ action }) => action);

test("what is so already is answered so, and is in nobody's audit", async () => {
  const { change, operations, audit, told } = given();
  expect((await change([weight(5)], "a larger machine")).changed).toBe(true);
  for (const reason of ["", "a larger machine"]) expect((await change([weight(5)], reason)).changed).toBe(false);
  expect((await change([weight(5)], "", true, true)).changed).toBe(false);
  expect((await change([weight(6)], "", true, true)).changed).toBe(true);
  expect([actions(await audit()), told.length]).toEqual([["server.change"], 1]);
  expect(operations.list()).toMatchObject([{ value: 5, reason: "a larger machine" }]);
  const configured = (await change([{ kind: "state", target, value: "active" }])).changed;
  expect(configured).toBe(false);
});

test("another reason, another end, and whether it lasts are changes", async () => {
  const { change, operations, audit } = given();
  const drained = (untilMs?: number): NewOverride => ({
    kind: "state",
    target,
    value: "drain",
    ...(untilMs && { untilMs }),
  });
  const made = [
    await change([drained()], "disk"),
    await change([drained()], "kernel"),
    await change([drained(Date.UTC(2026, 1, 1))]),
    await change([drained(Date.UTC(2026, 1, 1))], "", false),
  ];
  expect(made.map(({ changed }) => changed)).toEqual([true, true, true, true]);
  expect(operations.list()).toMatchObject([{ kept: false }]);
  expect(await audit()).toHaveLength(4);
});

test("to end what is not there changes nothing", async () => {
  const { operations, audit } = given();
  const options = { reason: "", keep: true };
  expect(await operations.clear(OPERATOR, options)).toMatchObject({ changed: false, removed: [] });
  expect(await audit()).toEqual([]);
});

test("a change that could not be put into force is taken back, and the audit says so", async () => {
  const { state, change, operations, audit, told } = given();
  await change([weight(5)]);
  state.broken = true;
  const refused = await change([weight(7)]).catch((error: Error) => error.message);
  expect(refused).toContain("the workers do not take it");
  expect(operations.list()).toMatchObject([{ value: 5 }]);
  const [undone, asked] = await audit();
  expect(asked).toMatchObject({ action: "server.change", actor: "deploy", after: 5 });
  expect(undone).toMatchObject({
    action: "override.undo",
    actor: "neurabalancer",
    target: "server a:1",
    reason: "server.change could not be put into force: the workers do not take it",
  });
  expect(told.at(-1)).toContain("could not be put into force");
});
