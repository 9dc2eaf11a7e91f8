/** Operations in a real PostgreSQL: the contract, two instances that never lose each other's change, and a copy for hard times. */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CopiedOperationsStore } from "../../../../../src/storage/operations/copied-store.ts";
import { StaleRevisionError, seenKey } from "../../../../../src/storage/operations/store.ts";
import type { PostgresLocation } from "../../../../../src/storage/postgres/location.ts";
import { PostgresOperationsStore } from "../../../../../src/storage/postgres/operations/store.ts";
import { override, SERVER, setting } from "../../../../unit/control/operations/fixture.ts";
import { entry, operationsContract } from "../../operations/contract.ts";
import { withServer } from "../fixture.ts";

const directory = mkdtempSync(join(tmpdir(), "nb-copy-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

withServer("operations in PostgreSQL", (start) => {
  let place: Promise<PostgresLocation> | null = null;
  operationsContract(async () => {
    place ??= start().then((server) => server.database());
    return new PostgresOperationsStore(await place);
  });

  test("two instances share them: each sees the other's change, and of two at once one wins", async () => {
    const location = await (await start()).database();
    const [one, other] = [new PostgresOperationsStore(location), new PostgresOperationsStore(location)];
    expect(await one.read()).toMatchObject({ revision: 0, overrides: [], trouble: null });
    const first = [
      override({ kind: "weight", target: SERVER, value: 2.5, configured: 1 }, { untilMs: 5_000, reason: "ü'\"" }),
    ];
    expect(await one.commit(0, first, [entry(1)])).toBe(1);
    expect((await other.read()).overrides).toEqual(first);
    expect(other.commit(0, [], [entry(9)])).rejects.toThrow(StaleRevisionError);
    const results = await Promise.allSettled([
      one.commit(1, [setting("LOG_LEVEL", "debug", "info")], [entry(2)]),
      other.commit(1, [setting("LOG_LEVEL", "warn", "info")], [entry(3)]),
    ]);
    expect(results.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect((await one.read()).revision).toBe(2);
    await one.note([entry(4)]);
    const audit = await other.audit({ limit: 10, sinceMs: null });
    expect(audit.map(({ atMs }) => atMs)).toEqual([4, results[0].status === "fulfilled" ? 2 : 3, 1]);
    expect(await other.audit({ limit: 10, sinceMs: 4 })).toEqual([entry(4)]);
    await Promise.all([one.close(), other.close()]);
  });

  test("what it said last is there while it is away, with what was in force here", async () => {
    const location = await (await start()).database();
    const kept = [setting("LOG_LEVEL", "debug", "info")];
    const store = new CopiedOperationsStore(new PostgresOperationsStore(location), directory, 5_000);
    await store.commit((await store.read()).revision, kept, [entry(1)]);
    store.remember(new Set(kept.map(seenKey)));
    await store.close();
    const nowhere = { ...location, port: 1 };
    const away = new CopiedOperationsStore(new PostgresOperationsStore(nowhere), directory, 5_000);
    const read = await away.read();
    expect(read).toMatchObject({ overrides: kept, trouble: expect.stringContaining("what it said last is in force") });
    expect(read.seen).toEqual(new Set(kept.map(seenKey)));
    expect(away.commit(read.revision, [], [])).rejects.toThrow();
    await away.close();
  });
});
