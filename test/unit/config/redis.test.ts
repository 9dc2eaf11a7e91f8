/** Settings of Redis against each other. */
import { describe, expect, test } from "bun:test";
import { loadConfig } from "../../../src/config/load.ts";
import { toRedisPlace } from "../../../src/config/redis/place.ts";
import { environmentSource } from "../../../src/config/sources/environment.ts";

function load(env: Readonly<Record<string, string>>) {
  return loadConfig([environmentSource({ SERVERS: "http://127.0.0.1:1", ...env })]);
}

function problemsOf(env: Readonly<Record<string, string>>): readonly string[] {
  const loaded = load(env);
  return loaded.ok ? [] : loaded.problems;
}

function placeOf(env: Readonly<Record<string, string>>) {
  const loaded = load(env);
  if (!loaded.ok) throw new Error(loaded.problems.join("\n"));
  return toRedisPlace(loaded.config.redis);
}

const SENTINELS = { REDIS_SENTINEL_ADDRS: "a, b:1, [::1]", REDIS_SENTINEL_MASTER: "main" };

describe("Redis", () => {
  test("is nowhere, one server, what Sentinels name, or a cluster", () => {
    expect(placeOf({})).toBeNull();
    expect(placeOf({ REDIS_ADDR: "redis.internal", REDIS_DB: "3" })).toMatchObject({
      kind: "single",
      addrs: ["redis.internal:6379"],
      db: 3,
      tls: null,
    });
    expect(placeOf(SENTINELS)).toMatchObject({
      kind: "sentinel",
      addrs: ["a:26379", "b:1", "[::1]:26379"],
      master: "main",
    });
    expect(placeOf({ REDIS_CLUSTER_ADDRS: "a,b:1,a" })).toMatchObject({ kind: "cluster", addrs: ["a:6379", "b:1"] });
  });

  test.each([
    [{ REDIS_ADDR: "a", ...SENTINELS }, "REDIS_SENTINEL_ADDRS: is set together with REDIS_ADDR"],
    [{ REDIS_CLUSTER_ADDRS: "a", REDIS_ADDR: "a" }, "REDIS_CLUSTER_ADDRS: is set together with REDIS_ADDR"],
    [{ REDIS_SENTINEL_ADDRS: "a" }, "REDIS_SENTINEL_MASTER: is required by REDIS_SENTINEL_ADDRS"],
    [{ REDIS_CLUSTER_ADDRS: "a", REDIS_DB: "1" }, "REDIS_DB: is 1, and a Redis Cluster has database 0 alone"],
    [{ REDIS_ADDR: "a", REDIS_USERNAME: "u" }, "REDIS_PASSWORD: is required by REDIS_USERNAME"],
    [{ REDIS_ADDR: "a", REDIS_TLS: "on", REDIS_TLS_CERT_FILE: "x" }, "REDIS_TLS_KEY_FILE: is required by"],
    [{ REDIS_ADDR: "a", REDIS_TLS: "on", REDIS_TLS_KEY_FILE: "x" }, "REDIS_TLS_CERT_FILE: is required by"],
    [{ REDIS_CLUSTER_ADDRS: "a,redis://b" }, "entry 2 must be a host and a port"],
  ])("%j is refused", (env, sentence) => {
    const problems = problemsOf(env);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(sentence);
  });

  test.each([
    [{ REDIS_PASSWORD: "x" }, "REDIS_PASSWORD has no effect"],
    [{ REDIS_ADDR: "a", REDIS_SENTINEL_MASTER: "x" }, "REDIS_SENTINEL_MASTER has no effect"],
    [{ REDIS_ADDR: "a", REDIS_TLS_CA_FILE: "x" }, "have no effect: REDIS_TLS is off"],
  ])("%j is warned of", (env, sentence) => {
    const loaded = load(env);
    expect(loaded.ok && loaded.warnings.join("\n")).toContain(sentence);
  });
});
