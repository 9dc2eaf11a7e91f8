/** What differs between two configurations, as people are told. */
import { describe, expect, test } from "bun:test";
import { changesBetween, describeChange, uncomparedSecrets } from "../../../src/config/changes.ts";
import { load } from "../../support/configuration.ts";

function loaded(env: Record<string, string>) {
  const result = load(env);
  if (!result.ok) throw new Error(result.problems.join("\n"));
  return result;
}

function told(before: Record<string, string>, after: Record<string, string>): string[] {
  return changesBetween(loaded(before), loaded(after)).map(describeChange);
}

describe("two configurations", () => {
  test("that mean the same do not differ, however they are written", () => {
    expect(told({ CONNECT_TIMEOUT_MS: "2000" }, { CONNECT_TIMEOUT_MS: "2s" })).toEqual([]);
    expect(told({ ACCESS_LOG: "on" }, { ACCESS_LOG: "yes" })).toEqual([]);
    expect(told({ SERVERS: "http://A:80" }, { SERVERS: "http://a" })).toEqual([]);
  });

  test("differ in values, in entries of lists, and in what only a restart changes", () => {
    expect(told({}, { SLOW_START_SECONDS: "1m" })).toEqual(["SLOW_START_SECONDS: 10 → 60"]);
    expect(told({ SERVERS: "http://a:1,http://b:1" }, { SERVERS: "http://b:1,http://c:1" })).toEqual([
      "SERVERS: + http://c:1 - http://a:1",
    ]);
    expect(told({ SERVERS: "http://a:1,http://b:1" }, { SERVERS: "http://b:1,http://a:1" })).toEqual([
      "SERVERS: in another order",
    ]);
    expect(told({}, { TRUSTED_PROXIES: "10.0.0.0/8" })).toEqual(["TRUSTED_PROXIES: unset → 10.0.0.0/8"]);
    expect(told({ "SERVER_WEIGHT_backend-1_8001": "2" }, {})).toEqual(["SERVER_WEIGHT_backend-1_8001: 2 → unset"]);
    expect(told({}, { APP_PORT: "81" })).toEqual(["APP_PORT: 8080 → 81 (needs a restart)"]);
  });

  test("differ in secrets without telling them", () => {
    const [first, second] = ["correct-horse-battery", "correct-horse-staple"].map((token) => ({ ADMIN_TOKEN: token }));
    expect(told(first, second)).toEqual(["ADMIN_TOKEN: another value"]);
    expect(told({}, first)).toEqual(["ADMIN_TOKEN: unset → ****"]);
    expect(told(first, first)).toEqual([]);
  });

  test("of which one is known as it is shown are compared so, and secrets are named as not compared", () => {
    const { effective } = loaded({ ADMIN_TOKEN: "correct-horse-battery", WORKERS: "2" });
    const wanted = loaded({ ADMIN_TOKEN: "correct-horse-staple", WORKERS: "3" });
    expect(changesBetween({ effective }, wanted)).toEqual([{ env: "WORKERS", from: "2", to: "3", restart: false }]);
    expect(uncomparedSecrets(wanted)).toEqual(["ADMIN_TOKEN"]);
  });
});
