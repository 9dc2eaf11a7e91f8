/** What processes are given comes from the declarations: each name once, each value as the configuration has it. */
import { expect, test } from "bun:test";
import { given } from "../../../src/config/given.ts";
import { ALL_SETTINGS } from "../../../src/config/schema.ts";
import { configOf } from "../../support/configuration.ts";

test.each(["worker", "pool", "request", "learner", "fleet"] as const)(
  "no two settings have one name at the %s",
  (receiver) => {
    const names = ALL_SETTINGS.flatMap(({ setting }) => setting.givenTo?.[receiver] ?? []);
    expect(names.length).toBeGreaterThan(0);
    expect(new Set(names).size).toBe(names.length);
    expect(Object.keys(given(configOf(), receiver)).sort()).toEqual(names.toSorted());
  },
);

test("values are those of the configuration, with their types", () => {
  const config = configOf({ CONNECT_TIMEOUT_MS: "1500", RETRY_ON_STATUS: "gateway", SLOW_START_SECONDS: "2" });
  const worker = given(config, "worker");
  const connectTimeoutMs: number = given(config, "pool").connectTimeoutMs;
  const format: "json" | "text" = worker.logFormat;
  const statuses: readonly number[] = given(config, "request").retryOnStatus;
  expect([connectTimeoutMs, format, statuses]).toEqual([1500, "json", [502, 503, 504]]);
  expect(given(config, "fleet")).toEqual({
    slowStartMs: 2000,
    panicThresholdPercent: 50,
    preferZone: false,
    subsetSize: 0,
    zone: null,
  });
  // @ts-expect-error: no setting is given to workers under this name
  expect(worker.noSuchSetting).toBeUndefined();
  // @ts-expect-error: a duration is no text
  const wrong: string = worker.idleTimeoutMs;
  expect(wrong as unknown).toBe(75_000);
});
