/** What every store of operations does. */
import { expect, test } from "bun:test";
import type { AuditEntry } from "../../../../src/shared/operations/audit.ts";
import { type OperationsStore, StaleRevisionError } from "../../../../src/storage/operations/store.ts";
import { override, SERVER, setting } from "../../../unit/control/operations/fixture.ts";

/** An entry of the audit at that moment. */
export const entry = (atMs: number): AuditEntry => ({
  atMs,
  actor: "deploy",
  client: "10.0.0.7",
  action: "server.drain",
  target: "server a:80 of pool default",
  before: "active",
  after: { state: "drain" },
  reason: "disk",
  kept: true,
});

/** @param open opens the same place once more. */
export function operationsContract(open: () => OperationsStore | Promise<OperationsStore>): void {
  test("nothing was ever kept: there is nothing, at revision 0", async () => {
    const store = await open();
    expect(await store.read()).toMatchObject({ revision: 0, overrides: [], trouble: null });
    expect(await store.audit({ limit: 10, sinceMs: null })).toEqual([]);
    await store.close();
  });

  test("what was committed is there for who opens it next, with what was done", async () => {
    const store = await open();
    const kept = [
      setting("LOG_LEVEL", "debug", "info"),
      override({ kind: "weight", target: SERVER, value: 2.5, configured: 1 }, { untilMs: 5_000, reason: "ü" }),
    ];
    const { revision } = await store.read();
    expect(await store.commit(revision, kept, [entry(1)])).toBe(revision + 1);
    await store.note([entry(2)]);
    await store.close();
    const next = await open();
    expect(await next.read()).toMatchObject({ revision: revision + 1, overrides: kept });
    expect(await next.audit({ limit: 10, sinceMs: null })).toEqual([entry(2), entry(1)]);
    expect(await next.audit({ limit: 1, sinceMs: null })).toEqual([entry(2)]);
    expect(await next.audit({ limit: 10, sinceMs: 2 })).toEqual([entry(2)]);
    await next.close();
  });

  test("a list of addresses of a thousand entries is a value like any other, also in the audit", async () => {
    const store = await open();
    const denied = Array.from({ length: 1_000 }, (_, i) => `2001:db8:${i.toString(16)}::/48`).join(",");
    const kept = [setting("CLIENTS_DENY", denied, `${denied},10.0.0.0/8`)];
    const done = {
      ...entry(4),
      action: "settings.change",
      before: null,
      after: { CLIENTS_DENY: denied },
      reason: denied,
    };
    const { revision } = await store.read();
    await store.commit(revision, kept, [done]);
    await store.close();
    const next = await open();
    expect(await next.read()).toMatchObject({ revision: revision + 1, overrides: kept });
    expect(await next.audit({ limit: 1, sinceMs: null })).toEqual([done]);
    await next.close();
  });

  test("what would not be read again is not kept", async () => {
    const store = await open();
    const { revision, overrides } = await store.read();
    const wrong = override({ kind: "weight", target: SERVER, value: -1, configured: 1 });
    expect(await store.commit(revision, [wrong], []).catch((error: Error) => error.message)).toContain("0.value");
    expect(await store.read()).toMatchObject({ revision, overrides: [...overrides] });
    await store.close();
  });

  test("who knows another revision changes nothing", async () => {
    const store = await open();
    const { revision, overrides } = await store.read();
    expect(store.commit(revision + 7, [], [entry(3)])).rejects.toThrow(StaleRevisionError);
    expect((await store.read()).overrides).toEqual([...overrides]);
    await store.close();
  });
}
