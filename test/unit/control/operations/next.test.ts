/** What a change makes of the overrides that there are. */
import { expect, test } from "bun:test";
import type { ConfiguredValues } from "../../../../src/control/operations/ground.ts";
import { nextOverrides } from "../../../../src/control/operations/next.ts";
import type { Override } from "../../../../src/shared/operations/override.ts";
import { override } from "./fixture.ts";

const MAKER = { by: "deploy", client: "", reason: "", atMs: 2_000, kept: true };
const target = { pool: "default", url: "http://10.0.0.9:3000" };
const removed = override({ kind: "server_removed", target, value: null, configured: target.url });
const added = { kind: "server_added", target, value: { url: target.url } } as const;
/** @param listed is the server in the configuration? */
const configured = (listed: boolean): ConfiguredValues => ({
  configured: ({ kind }) => (kind === "server_added" ? { kind: "value", value: null } : { kind: "gone", why: "none" }),
  isOf: ({ kind }) => listed === (kind === "server_removed"),
});
const byId = (...all: readonly Override[]) => new Map(all.map((one) => [one.id, one]));

test("to add what was removed ends the removal", () => {
  const next = nextOverrides(byId(removed), { set: [added] }, configured(true), MAKER);
  expect(next).toEqual({ made: [], removed: [removed], problems: [] });
});

test("to add what only others have removed, for whom it is configured, adds it here", () => {
  const next = nextOverrides(byId(removed), { set: [added] }, configured(false), MAKER);
  expect(next).toMatchObject({ made: [{ kind: "server_added", value: { url: target.url } }], removed: [] });
});
