import { expect, test } from "bun:test";
import type { NewOverride, Operator } from "../../../../src/control/operations/change.ts";
import type { AuditEntry } from "../../../../src/shared/operations/audit.ts";
import type { Override } from "../../../../src/shared/operations/override.ts";
import type { OperationsStore } from "../../../../src/storage/operations/store.ts";
import { load } from "../../../support/configuration.ts";
import { type MadeUp, operationsOver } from "../admin/changes/fixture.ts";
import { SERVER } from "./fixture.ts";
import { MemoryOperationsStore } from "./memory-store.ts";

const target = { pool: "shop", server: "a:1", address: "" };
const OPERATOR = { name: "deploy", client: "10.0.0.7" };

/** The same store, which waits, is shared, or does something else than keep. */
function like(store: MemoryOperationsStore, other: Partial<OperationsStore>): OperationsStore {
  return {
    shared: false,
    where: "memory",
    read: () => store.read(),
    commit: (revision, overrides, audit) => store.commit(revision, overrides, audit),
    note: (audit) => store.note(audit),
    audit: (query) => store.audit(query),
    close: () => store.close(),
    ...other,
  };
}

function given(more: Pick<MadeUp, "store" | "wallMs" | "loaded"> = {}) {
  const told: string[] = [];
  const store = more.store ?? new MemoryOperationsStore();
  const state = { broken: false, applied: [] as readonly Override[] };
  const operations = operationsOver({
    configured: ({ kind }) => (kind === "state" ? "active" : 1),
    apply: (overrides) => {
      if (state.broken && overrides.length > 0) throw new Error("the workers do not take it");
      state.applied = overrides;
    },
    events: { note: ({ message }) => void told.push(message) },
    ...more,
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
const withdrawn = (value: "drain" | "maintenance", untilMs: number): NewOverride => ({
  kind: "state",
  target: SERVER,
  value,
  untilMs,
});
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

test("whoever has shown a certificate is called by it, beside the token if there is one", async () => {
  const { operations, audit } = given();
  const change = (operator: Operator, value: number) =>
    operations.change(operator, { reason: "", keep: true }, () => {
      return { action: "server.change", target: "server a:1", set: [weight(value)], before: 1, after: value };
    });
  await change({ name: "", client: "10.0.0.7" }, 2);
  await change({ name: "", certificate: "CN=alice", client: "10.0.0.7" }, 3);
  await change({ name: "deploy", certificate: "CN=alice", client: "10.0.0.7" }, 4);
  expect((await audit()).map(({ actor }) => actor)).toEqual(["deploy, CN=alice", "CN=alice", "local"]);
  expect(operations.list()).toMatchObject([{ by: "deploy, CN=alice", client: "10.0.0.7" }]);
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

test("a change that could not be put into force leaves what was set for this run before", async () => {
  const { state, change, operations } = given();
  await change([weight(5)], "", false);
  state.broken = true;
  expect(await change([weight(7)]).catch((error: Error) => error.message)).toContain("the workers do not take it");
  expect(operations.list()).toMatchObject([{ value: 5, kept: false }]);
});

test("whoever sets another end just when it is over has set it", async () => {
  const clock = { ms: 1_000 };
  const memory = new MemoryOperationsStore();
  const gate = { open: Promise.resolve() };
  const store = like(memory, {
    commit: async (revision, overrides, audit) => {
      await gate.open;
      return memory.commit(revision, overrides, audit);
    },
  });
  const { change, operations, audit } = given({ store, wallMs: () => clock.ms });
  await change([withdrawn("drain", 2_000)]);
  const opening = Promise.withResolvers<void>();
  gate.open = opening.promise;
  const extended = change([withdrawn("drain", 9_000)]);
  clock.ms = 2_000;
  operations.tick(0);
  opening.resolve();
  await extended;
  await change([], "", true, true); // its turn is after the look's
  expect(operations.list()).toMatchObject([{ value: "drain", untilMs: 9_000 }]);
  expect(actions(await audit())).toEqual(["server.change", "server.change"]);
});

test("when one is over, another that was set for this run stays", async () => {
  const clock = { ms: 1_000 };
  const { state, change, operations } = given({ wallMs: () => clock.ms });
  await change([withdrawn("drain", 2_000)]);
  clock.ms = 1_500;
  await change([withdrawn("maintenance", 9_000)], "", false);
  clock.ms = 2_000;
  operations.tick(0);
  await change([], "", true, true);
  expect(operations.list()).toMatchObject([{ value: "maintenance", kept: false }]);
  expect(state.applied).toMatchObject([{ value: "maintenance" }]);
});

test("that one is over stands in the audit of a shared store once", async () => {
  const clock = { ms: 1_000 };
  const loaded = load();
  if (!loaded.ok) throw new Error(loaded.problems.join("; "));
  const store = like(new MemoryOperationsStore(), { shared: true });
  const [one, other] = [0, 1].map(() => given({ store, loaded, wallMs: () => clock.ms }));
  await one.change([withdrawn("drain", 2_000)]);
  other.operations.tick(0);
  await other.change([], "", true, true);
  expect(other.operations.list()).toHaveLength(1);
  clock.ms = 2_000;
  for (const { operations, change } of [one, other]) {
    operations.tick(1);
    await change([], "", true, true);
    expect(operations.list()).toEqual([]);
  }
  expect(actions(await one.audit())).toEqual(["override.expire", "server.change"]);
  expect(other.state.applied).toEqual([]);
});

test("a store that is closed because the instance ends is no trouble, though a look at it was under way", async () => {
  for (const stops of [false, true]) {
    const memory = new MemoryOperationsStore();
    const state = { looks: 0, answer: Promise.withResolvers<void>() };
    const store = like(memory, {
      read: async () => {
        state.looks++;
        await state.answer.promise;
        return { ...(await memory.read()), trouble: "memory is closed" };
      },
    });
    const { operations, change } = given({ store });
    operations.tick(0);
    if (stops) operations.stop();
    state.answer.resolve();
    await change([], "", true, true); // its turn is after the look's
    operations.tick(600_000);
    await change([], "", true, true);
    expect([operations.trouble, state.looks]).toEqual(stops ? [null, 1] : ["memory is closed", 2]);
  }
});
