/** Overrides that are ended over the admin API: what is said of it, tried or done. */
import { expect, test } from "bun:test";
import { entityTag } from "../../../../../src/control/admin/changes/etag.ts";
import { makeChange } from "../../../../../src/control/admin/changes/make-change.ts";
import { overrideTag, planEnd, planEndOfAll } from "../../../../../src/control/admin/changes/override-end.ts";
import type { ShownOverride } from "../../../../../src/control/operations/operations.ts";
import { SERVER } from "../../operations/fixture.ts";
import { operationsOver } from "./fixture.ts";

const CALLER = { name: "deploy", client: "10.0.0.7", scope: "admin" } as const;

async function given() {
  const operations = operationsOver({ configured: () => 1, apply: () => {} });
  const set = [{ kind: "weight", target: SERVER, value: 5 } as const];
  const described = { action: "server.change", target: "server", before: 1, after: 5 };
  await operations.change(CALLER, { reason: "", keep: true }, () => ({ ...described, set }));
  const end = (plan: (all: readonly ShownOverride[]) => ReturnType<typeof planEnd>, dryRun = false, ifMatch = "*") => {
    const request = new Request("http://localhost/", { headers: { "if-match": ifMatch } });
    const terms = { reason: "", keep: true, dry_run: dryRun };
    return makeChange(operations, { request, caller: CALLER, terms }, () => plan(operations.list()));
  };
  return { operations, end, id: operations.list()[0].id };
}

test("a trial says what is configured, and ends nothing", async () => {
  const { operations, end, id } = await given();
  const one = await end((all) => planEnd(id, all), true);
  expect(one).toMatchObject({
    changed: true,
    before: 5,
    after: 1,
    target: "the weight of server backend-1:8001 of pool default",
  });
  expect(await end(planEndOfAll, true)).toMatchObject({ changed: true, before: 1, after: 0 });
  expect(operations.list()).toHaveLength(1);
});

test("what was ended is told; to end what is not there is refused, or changes nothing", async () => {
  const { operations, end, id } = await given();
  expect(await end((all) => planEnd(id, all))).toMatchObject({ changed: true, removed: [{ id }] });
  expect(operations.list()).toEqual([]);
  const again = end((all) => planEnd(id, all));
  expect(await again.catch((error) => error)).toMatchObject({ status: 404, code: "unknown_override" });
  expect(await end(planEndOfAll)).toMatchObject({ changed: false, removed: [] });
  expect((await operations.audit({ limit: 10, sinceMs: null })).map(({ action }) => action)).toEqual([
    "override.remove",
    "server.change",
  ]);
});

test("its tag is of the override that it was read of", async () => {
  const { operations, end, id } = await given();
  const stale = end((all) => planEnd(id, all), false, '"0123"');
  expect(await stale.catch((error) => error)).toMatchObject({ status: 412 });
  const tag = entityTag(operations.list().map(overrideTag));
  expect(await end(planEndOfAll, false, tag)).toMatchObject({ changed: true });
});
