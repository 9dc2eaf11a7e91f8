import { describe, expect, test } from "bun:test";
import { planSettings, presentSettings } from "../../../../../../src/control/admin/changes/settings/change.ts";
import { settingsOf } from "../../../../../../src/control/admin/changes/settings/names.ts";
import { viewSetting } from "../../../../../../src/control/admin/changes/settings/view.ts";
import { planSplit, sharesOf, splitChangeSchema } from "../../../../../../src/control/admin/changes/split-change.ts";
import type { ApiError } from "../../../../../../src/control/admin/responses.ts";
import type { RouteSpec } from "../../../../../../src/protocol/route.ts";
import type { Override } from "../../../../../../src/shared/operations/override.ts";
import { overrideId } from "../../../../../../src/shared/operations/override-id.ts";

const EFFECTIVE = [
  { section: "balancing", env: "LB_STRATEGY", value: "p2c", origin: "environment" },
  { section: "pools", pool: "shop", env: "pools.shop.balancing.strategy", value: "adaptive", origin: "override by ci" },
  { section: "log", env: "LOG_LEVEL", value: "info", origin: "default" },
  { section: "timeouts", env: "CONNECT_TIMEOUT_MS", value: "2000", origin: "nb.yaml:3:5" },
] as const;
const target = { pool: "shop", setting: "LB_STRATEGY" };
const OVERRIDE = {
  id: overrideId({ kind: "setting", target }),
  kind: "setting",
  target,
  value: "adaptive",
  configured: "random",
};
const sources = { effective: EFFECTIVE, overrides: [OVERRIDE as unknown as Override] };
const plan = (pool: string | null, values: Record<string, unknown>) =>
  planSettings(
    { pool, values: Object.entries(values).map(([name, value]) => ({ at: name, name, value: value as string })) },
    sources,
  );
const refusal = (work: () => unknown): ApiError => {
  try {
    work();
  } catch (error) {
    return error as ApiError;
  }
  throw new Error("it was not refused");
};
const named = (name: string) => settingsOf("instance").find(({ setting }) => setting.env === name)!;

describe("a setting as it is shown", () => {
  test("is the pool's own, or else the instance's", () => {
    expect(viewSetting(named("LB_STRATEGY"), "shop", sources)).toMatchObject({
      key: "balancing.strategy",
      value: "adaptive",
      configured: "random",
      origin: "override by ci",
      override: OVERRIDE.id,
      type: "words",
      changeable: true,
    });
    expect(viewSetting(named("LB_STRATEGY"), "blog", sources)).toMatchObject({
      value: "p2c",
      configured: "p2c",
      override: null,
    });
    expect(viewSetting(named("CONNECT_TIMEOUT_MS"), "shop", sources)).toMatchObject({
      value: "2000",
      origin: "nb.yaml:3:5",
      unit: "milliseconds",
      min: 1,
      max: 86_400_000,
    });
    expect(viewSetting(named("SLOW_START_SECONDS"), null, sources)).toMatchObject({
      unit: "seconds",
      min: 0,
      max: 3600,
    });
  });

  test.each([
    ["APP_PORT", "needs a restart"],
    ["ADMIN_TOKEN", "is a secret"],
    ["ADMIN_ALLOWED_HOSTS", "who may change anything"],
    ["STICKY_KEYS", "is a secret"],
    ["ACCESS_LOG_FILE", "names files of this machine"],
    ["TLS_KEY_FILE", "names files of this machine"],
    ["DB_HOST", "where overrides are kept"],
    ["OTEL_EXPORTER_OTLP_ENDPOINT", "where traces are sent to"],
  ])("%s cannot be changed at run time, because it %s", (name, why) => {
    const view = viewSetting(named(name), null, sources);
    expect([view.changeable, view.why_not]).toEqual([false, expect.stringContaining(why)]);
    expect(presentSettings(null, sources)).not.toHaveProperty(name);
    expect(refusal(() => plan(null, { [name]: "x" })).message).toContain(why);
  });
});

describe("a change of settings", () => {
  test("takes names of the environment and of the file, texts and JSON, and null for what is configured", () => {
    const { set, remove, before, after } = plan("shop", {
      LB_STRATEGY: null,
      "timeouts.connect": 500,
      RETRY_ON_STATUS: [502, 503],
    });
    expect({ set, remove, before, after }).toEqual({
      set: [
        { kind: "setting", target: { pool: "shop", setting: "CONNECT_TIMEOUT_MS" }, value: "500" },
        { kind: "setting", target: { pool: "shop", setting: "RETRY_ON_STATUS" }, value: "502,503" },
      ],
      remove: [OVERRIDE.id],
      before: { LB_STRATEGY: "adaptive", CONNECT_TIMEOUT_MS: "2000", RETRY_ON_STATUS: null },
      after: { LB_STRATEGY: "random", CONNECT_TIMEOUT_MS: "500", RETRY_ON_STATUS: "502,503" },
    });
    expect(plan(null, { ACCESS_LOG: false, "log.level": "debug" }).after).toEqual({
      ACCESS_LOG: "false",
      LOG_LEVEL: "debug",
    });
  });

  test("says all that is wrong at once, and where", () => {
    const error = refusal(() =>
      plan("shop", {
        LOG_LEVEL: "debug",
        LB_STRATGY: "p2c",
        LB_STRATEGY: "ip-hash",
        CONNECT_TIMEOUT_MS: [1],
        SERVER_WEIGHT_a_1: 2,
        SERVERS: "http://a",
        connect: 1,
      }),
    );
    expect([error.status, error.code]).toEqual([400, "invalid_body"]);
    const all = Object.fromEntries(error.problems.map(({ at, message }) => [at, message]));
    expect(all).toMatchObject({
      LOG_LEVEL: "is the whole instance's: PATCH /api/v1/settings",
      LB_STRATGY: expect.stringContaining("LB_STRATEGY"),
      LB_STRATEGY: expect.stringContaining("is not a strategy"),
      CONNECT_TIMEOUT_MS: "must be one value, not a list",
      SERVER_WEIGHT_a_1: expect.stringContaining("PATCH /api/v1/servers/<id>"),
      SERVERS: expect.stringContaining("POST /api/v1/servers"),
    });
    expect(Object.keys(all)).toContain("connect");
  });

  test("has no place for a query, which may hold a secret", () => {
    expect(plan(null, { HEALTH_CHECK_PATH: "/up" }).set).toMatchObject([{ value: "/up" }]);
    const { problems } = refusal(() => plan(null, { HEALTH_CHECK_PATH: "/up?key=hunter2" }));
    expect(JSON.stringify(problems)).toContain("overrides are no place for one");
    expect(JSON.stringify(problems)).not.toContain("hunter2");
  });

  test("names each once, and something", () => {
    expect(refusal(() => plan(null, { LOG_LEVEL: "debug", "log.level": "info" })).message).toContain("name it once");
    expect(refusal(() => plan(null, {})).message).toContain("names nothing");
  });
});

describe("a split", () => {
  const route = (targets: { pool: string; weight: number }[]) =>
    ({ name: "/shop", action: { kind: "forward", targets, splitBy: null } }) as unknown as RouteSpec;
  const pools = [
    { name: "shop", usable: 2 },
    { name: "next", usable: 0 },
  ];

  test("is by pool, and warns of one without servers", () => {
    const planned = planSplit(
      route([{ pool: "shop", weight: 1 }]),
      splitChangeSchema.parse({ split: { shop: 95, next: 5 } }),
      pools,
      [],
    );
    expect(planned).toMatchObject({
      before: { shop: 1 },
      after: { shop: 95, next: 5 },
      set: [{ kind: "split", target: { route: "/shop" }, value: { shop: 95, next: 5 } }],
      warnings: [expect.stringContaining("pool next has no server")],
    });
  });

  test("of unknown pools, of nothing, or of a route that forwards nothing is refused", () => {
    const body = splitChangeSchema.parse({ split: { shp: 1 } });
    expect(refusal(() => planSplit(route([{ pool: "shop", weight: 1 }]), body, pools, [])).message).toContain(
      "there is no pool shp",
    );
    for (const split of [{}, { shop: 0 }, { shop: -1 }, { shop: 0.5 }, { shop: 1e9 }]) {
      expect(splitChangeSchema.safeParse({ split }).success).toBe(false);
    }
    const redirect = { name: "x", action: { kind: "redirect" } } as unknown as RouteSpec;
    expect(refusal(() => sharesOf(redirect)).code).toBe("no_split");
  });
});
