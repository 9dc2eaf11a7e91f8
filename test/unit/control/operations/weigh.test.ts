/** Which overrides hold over a configuration: a changed one wins, and so does one that cannot be used with them. */
import { expect, test } from "bun:test";
import { weigh } from "../../../../src/control/operations/weigh.ts";
import type { Override } from "../../../../src/shared/operations/override.ts";
import { load } from "../../../support/configuration.ts";
import { override, SERVER, setting } from "./fixture.ts";

function weighed(overrides: readonly Override[], env: Record<string, string> = {}) {
  const loaded = load(env);
  if (!loaded.ok) throw new Error(loaded.problems.join("\n"));
  const { holds, overruled, layered } = weigh(overrides, loaded);
  return { holds, why: overruled.map((one) => one.why), layered };
}

const added = (url: string) =>
  override({ kind: "server_added", target: { pool: "default", url }, value: { url }, configured: null });
const removed = (url: string) =>
  override({ kind: "server_removed", target: { pool: "default", url }, value: null, configured: url });

test("what is as it was when they were made, they win over", () => {
  const all = [
    setting("LOG_LEVEL", "debug", "info"),
    setting("LB_STRATEGY", "p2c", "round_robin", "default"),
    added("http://backend-3:8003"),
    removed("http://backend-2:8002"),
    override({ kind: "weight", target: SERVER, value: 3, configured: 1 }),
    override({ kind: "state", target: SERVER, value: "drain", configured: "active" }),
    override({ kind: "split", target: { route: "/*" }, value: { default: 2 }, configured: { default: 1 } }),
  ];
  const { holds, why, layered } = weighed(all, { LB_STRATEGY: "round_robin" });
  expect(why).toEqual([]);
  expect(holds).toHaveLength(all.length);
  expect(layered.config.log.level).toBe("debug");
  expect(layered.config.pools[0].balancing.strategy).toBe("p2c");
  expect(layered.config.pools[0].servers.list.map(({ url }) => url)).toEqual([
    "http://backend-1:8001",
    "http://backend-3:8003",
  ]);
  expect(layered.config.routes[0].action).toMatchObject({ targets: [{ pool: "default", weight: 2 }] });
  const shown = layered.effective.find(({ env }) => env === "LOG_LEVEL");
  expect(shown).toMatchObject({ value: "debug", origin: "override by deploy, 1970-01-01T00:00Z" });
});

test("a changed configuration wins, and it is said what it says now", () => {
  const { holds, why } = weighed([setting("LOG_LEVEL", "debug", "info")], { LOG_LEVEL: "warn" });
  expect(holds).toEqual([]);
  expect(why).toEqual(["the configuration says warn now, and said info when it was made"]);
});

test("another spelling of the same value is no change", () => {
  const { holds } = weighed([setting("CONNECT_TIMEOUT_MS", "9000", "5000")], { CONNECT_TIMEOUT_MS: "5s" });
  expect(holds).toHaveLength(1);
});

test("whose server, pool or route is gone ends, and what the configuration has itself now", () => {
  const gone = override({ kind: "weight", target: { ...SERVER, server: "backend-9:8009" }, value: 2, configured: 1 });
  const { why } = weighed([
    gone,
    setting("LB_STRATEGY", "p2c", "round_robin", "shop"),
    added("http://backend-2:8002"),
    removed("http://backend-9:8009"),
    override({ kind: "split", target: { route: "shop" }, value: { a: 1 }, configured: { b: 1 } }),
  ]);
  expect(why.sort()).toEqual([
    "pool default has no server backend-9:8009",
    "pool default has no server http://backend-9:8009 in the configuration",
    "pool default has the server http://backend-2:8002 already, by the configuration",
    "there is no pool shop",
    "there is no route shop",
  ]);
});

test("one that the configuration cannot be used with ends, the others stay", () => {
  const wrong = { ...setting("LB_STRATEGY", "best", "round_robin"), atMs: 2_000 };
  const { holds, why, layered } = weighed([setting("LOG_LEVEL", "debug", "info"), wrong, added("http://backend-4:1")], {
    LB_STRATEGY: "round_robin",
  });
  expect(holds).toHaveLength(2);
  expect(why).toHaveLength(1);
  expect(why[0]).toContain("the configuration cannot be used with it");
  expect(why[0]).toContain("override by deploy");
  expect(layered.config.log.level).toBe("debug");
});

test("a pool without servers, an unknown pool of a split, a secret, what needs a restart: none can be", () => {
  const loaded = load();
  if (!loaded.ok) throw new Error("wrong");
  const problems = (...overrides: Override[]): string => {
    const layered = loaded.over(overrides);
    return layered.ok ? "" : layered.problems.join("\n");
  };
  expect(problems(removed("http://backend-1:8001"), removed("http://backend-2:8002"))).toContain(
    "would have no servers",
  );
  const split = override({ kind: "split", target: { route: "/*" }, value: { next: 1 }, configured: { default: 1 } });
  expect(problems(split)).toContain("names next, which is no pool: there are default");
  expect(problems(setting("ADMIN_TOKEN", "x".repeat(40), null))).toContain("is a secret");
  expect(problems(setting("APP_PORT", "81", "8080"))).toContain("needs a restart");
  expect(problems(setting("DB_HOST", "db", null))).toContain("says where overrides are kept");
  expect(problems(setting("LOG_LEVLE", "debug", null))).toContain("is LOG_LEVEL meant?");
});
