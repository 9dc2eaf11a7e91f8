/** Overrides that instances share without a database: as a store, and beside files that others have written, or nobody can. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Override } from "../../../../../src/shared/operations/override.ts";
import { stampOf } from "../../../../../src/shared/operations/stamp.ts";
import { OPERATIONS_FOLDER, openOwnStore, openReplicatedStore } from "../../../../../src/storage/operations/open.ts";
import { override, SERVER, setting } from "../../../../unit/control/operations/fixture.ts";
import { entry, operationsContract } from "../contract.ts";

let path: string;
let ids = 0;
const wallMs = (): number => 1_000;
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), "nb-replicated-"));
});
afterEach(() => {
  rmSync(path, { recursive: true, force: true });
});

function open() {
  const id = (ids++).toString(16).padStart(16, "0");
  return openReplicatedStore(path, wallMs, { id, instance: "one", refresh: async () => {}, onUntold: () => {} });
}

const weight = (value: number, atMs = 1_000): Override =>
  override({ kind: "weight", target: SERVER, value, configured: 1 }, { atMs });
const level = setting("LOG_LEVEL", "debug", "info");
const theirs = (made: Override | null, id: string, ms: number) => ({
  id,
  stamp: stampOf(ms, "00000000000000ff"),
  override: made,
  note: { instance: "two", done: entry(7) },
});
const audited = () => ({ ...entry(7), instance: "two" });

describe("as any store of operations", () => {
  operationsContract(open);
});

test("what was changed while nothing was shared counts as changed now: it is told, and so is what ended", async () => {
  const store = open();
  await store.commit((await store.read()).revision, [weight(2), level], [entry(1)]);
  store.told(store.untold());
  await store.close();

  const alone = openOwnStore(path, wallMs);
  await alone.commit((await alone.read()).revision, [weight(5, 2_000)], [entry(2)]);
  await alone.close();

  const again = open();
  expect((await again.read()).overrides).toEqual([weight(5, 2_000)]);
  // An older end, and an older change: nothing comes back.
  const old = [theirs(weight(3), weight(3).id, 1_000), theirs(level, level.id, 999)];
  await again.merge(old, audited);
  expect((await again.read()).overrides).toEqual([weight(5, 2_000)]);
  const told = new Map(again.untold().map((one) => [one.id, one.override]));
  expect(told).toEqual(
    new Map([
      [weight(5).id, weight(5, 2_000)],
      [level.id, null],
    ]),
  );
  await again.close();
});

test("what others have changed is in the file, with its entry, and was in force when it is asked for next", async () => {
  const store = open();
  await store.read();
  const felt = await store.merge([theirs(weight(4), weight(4).id, 5_000), theirs(null, level.id, 5_000)], audited);
  expect(felt.map(({ id }) => id)).toEqual([weight(4).id]); // of what was not there nothing is felt
  const kept = await store.read();
  expect(kept).toMatchObject({ overrides: [weight(4)], trouble: null, news: [{ instance: "two" }] });
  expect((await store.read()).news).toEqual([]);
  store.remember(new Set(["seen"]), new Set(["lost"]));
  await store.close();
  const again = open();
  expect(await again.read()).toMatchObject({
    overrides: [weight(4)],
    seen: new Set(["seen"]),
    lost: new Set(["lost"]),
  });
  expect(await again.audit({ limit: 10, sinceMs: null })).toEqual([{ ...entry(7), instance: "two" }]);
  await again.close();
});

test("where nothing can be written, what others change is in force all the same, and is said; what is asked for here is refused", async () => {
  const folder = join(path, OPERATIONS_FOLDER);
  writeFileSync(folder, "no folder");
  const store = open();
  expect((await store.read()).trouble).toContain("cannot be used");
  await store.merge([theirs(weight(4), weight(4).id, 5_000)], audited);
  const kept = await store.read();
  expect(kept.overrides).toEqual([weight(4)]);
  expect(kept.trouble).not.toBeNull();
  await expect(store.commit(kept.revision, [], [entry(1)])).rejects.toThrow();
  expect((await store.read()).overrides).toEqual([weight(4)]);
  rmSync(folder);
  expect(await store.read()).toMatchObject({ trouble: null, overrides: [weight(4)] });
  await store.close();
  const again = open();
  expect((await again.read()).overrides).toEqual([weight(4)]);
  expect(await again.audit({ limit: 10, sinceMs: null })).toMatchObject([{ instance: "two" }]);
  await again.close();
});

test("when changes were made is not known where that is damaged: the overrides are, and it is said", async () => {
  const store = open();
  await store.commit((await store.read()).revision, [weight(2)], [entry(1)]);
  await store.close();
  const file = join(path, OPERATIONS_FOLDER, "overrides.json");
  const text = JSON.parse(readFileSync(file, "utf8")) as { more: unknown };
  mkdirSync(join(path, OPERATIONS_FOLDER), { recursive: true });
  writeFileSync(file, JSON.stringify({ ...text, more: { entries: [{ id: "?" }] } }));
  const again = open();
  expect(await again.read()).toMatchObject({
    overrides: [weight(2)],
    notice: expect.stringContaining("is damaged: when its changes were made is not known"),
  });
  await again.close();
});
