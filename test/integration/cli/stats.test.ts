import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { TrafficAnswer } from "../../../src/history/traffic/traffic.ts";
import { historyBucketOf } from "../../../src/shared/history-buckets.ts";
import type { HistoryStore, MetricRow } from "../../../src/storage/history-store.ts";
import { openHistoryStore } from "../../../src/storage/open-store.ts";
import { hasPostgres, PASSWORD, PostgresServer } from "../../support/databases/postgres-server.ts";
import { blocksOf } from "../../support/doc-blocks.ts";
import { WIDE_LIMITS } from "../../support/memory-history.ts";
import { scratch } from "../storage/store-fixture.ts";
import { neurabalancer } from "./spawn.ts";

const HOUR = 3_600_000;
const end = Math.floor(Date.now() / HOUR) * HOUR;
const directory = scratch();
let store: HistoryStore;
const stats = (...args: string[]) => neurabalancer(["stats", ...args], { DATA_DIR: directory.path });
const since = new Date(end - 5 * HOUR).toISOString();
const until = new Date(end).toISOString();

function second(atMs: number, server: string, ms: number, rest: Partial<MetricRow> = {}): MetricRow {
  const durations = new Array<number>(historyBucketOf(ms) + 1).fill(0);
  durations[historyBucketOf(ms)] = 2;
  return {
    atMs,
    pool: "default",
    route: "default",
    server,
    address: "",
    statusClass: 2,
    requests: 2,
    failures: 0,
    retries: 1,
    durationSumMs: 2 * ms,
    waitSumMs: 3,
    waited: 1,
    responseBytes: 10,
    durations,
    ...rest,
  };
}

beforeAll(async () => {
  store = await openHistoryStore(
    { kind: "sqlite", directory: directory.path },
    { nowMs: Date.now, instance: "test", limits: WIDE_LIMITS },
  ); // stays open, as in a running instance
  for (let i = 0; i < 5 * 60; i++) {
    const atMs = end - 5 * HOUR + i * 60_000 + 1_000;
    store.appendMetrics([second(atMs, "10.0.0.1:80", 10), second(atMs, "10.0.0.2:80", 100, { statusClass: 5 })]);
  }
  store.appendEvents([
    {
      atMs: end - HOUR,
      kind: "ejection",
      pool: "default",
      server: "10.0.0.2:80",
      address: "",
      actor: "balancer",
      message: 'ejected for 30 s: "5" failures, in a row\u001b[2J',
      detail: { to: "ejected" },
    },
  ]);
  store.appendRequests([
    {
      atMs: end - HOUR,
      pool: "default",
      route: "default",
      server: "10.0.0.2:80",
      address: "",
      method: "GET",
      path: '=cmd,"x"',
      status: 503,
      error: "response_timeout",
      durationMs: 30_000,
      waitMs: 0,
      headMs: Number.NaN,
      attempts: 2,
      inFlight: 4,
      responseBytes: 3,
      requestId: "abc",
      client: "192.0.2.1",
      reason: "failed",
      weight: 4,
    },
  ]);
  store.appendGauges(
    [20_000, 10_000, 0].map((ms) => ({
      atMs: end - HOUR - ms,
      pool: "default",
      server: "10.0.0.2:80",
      address: "",
      state: ms === 10_000 ? "ejected" : "up",
      weight: 1,
      effectiveWeight: 1,
      inFlight: 2,
      cpuPercent: 10,
      memoryPercent: Number.NaN,
    })),
  );
  expect(await store.flush()).toBe(true);
});

afterAll(async () => {
  await store.close();
  directory.remove();
});

describe("stats", () => {
  test("by server, while an instance has the store", () => {
    const { code, stdout, stderr } = stats("--since", since, "--until", until);
    expect(stderr).toBe("");
    expect(code).toBe(0);
    const lines = stdout.split("\n");
    expect(lines[0]).toMatch(/^\d{4}-\d\d-\d\d \d\d:00:00 to \d{4}-\d\d-\d\d \d\d:00:00 UTC$/);
    expect(lines[2]).toMatch(/^SERVER +REQUESTS +PER S +SHARE +ERRORS +P50 +P95 +P99 +RETRIES +WAITED +WAIT$/);
    expect(lines[3]).toMatch(/^10\.0\.0\.1:80 +600 +0\.0333 +50\.0 % +0 % +9.* ms .* ms .* ms +300 +300 +3 ms$/);
    expect(lines[4]).toMatch(/^10\.0\.0\.2:80 +600 +0\.0333 +50\.0 % +100 % /);
    expect(lines[5]).toMatch(/^total +1200 +0\.0667 +100 % +50\.0 % /);
  });

  test("as JSON, by time, filtered and grouped", () => {
    const asked = ["--since", since, "--until", until, "--by", "hour", "--server", "10.0.0.2:80", "--group", "status"];
    const answer = JSON.parse(stats(...asked, "--json").stdout) as TrafficAnswer;
    expect(answer).toMatchObject({ by: "hour", group: ["status"], server: "10.0.0.2:80", notes: [] });
    expect(answer.total).toMatchObject({ requests: 600, errors: 600, client_errors: 0 });
    expect(answer.rows.map(({ at, status, requests }) => [at, status, requests])).toEqual(
      [5, 4, 3, 2, 1].map((hours) => [new Date(end - hours * HOUR).toISOString().replace(".000Z", "Z"), "5xx", 120]),
    );
    const p99 = answer.total.p99_ms as number;
    expect(Math.abs(p99 / 100 - 1)).toBeLessThan(0.1);
  });

  test("as CSV, with line ends and quotes of RFC 4180, safe for terminals", () => {
    const events = stats("events", "--since", since, "--format", "csv");
    expect(events.stdout.split("\r\n")).toEqual([
      "at,kind,pool,server,address,actor,message,detail,instance",
      `${new Date(end - HOUR).toISOString().replace(".000Z", "Z")},ejection,default,10.0.0.2:80,,balancer,"ejected for 30 s: ""5"" failures, in a row\\u001b[2J","{""to"":""ejected""}",test`,
      "",
    ]);
    const requests = stats("requests", "--since", since, "--format", "csv");
    expect(requests.stdout).toContain(
      'GET,"\'=cmd,""x""",503,response_timeout,30000,0,,2,4,3,abc,192.0.2.1,failed,4\r\n',
    );
  });

  test("events, requests, servers and an incident as text", () => {
    expect(stats("events", "--since", since, "--kind", "ejection").stdout).toMatch(
      /ejection {2}default {2}10\.0\.0\.2:80 {2}balancer {2}ejected for 30 s/,
    );
    expect(stats("requests", "--since", since, "--id", "abc").stdout).toMatch(
      /1 kept, which stand for 4\n\nTIME .*\n.* 503 +response_timeout +GET +30 s +0 ms +2 +10\.0\.0\.2:80 +failed +abc +=cmd,"x"\n/,
    );
    expect(stats("servers", "--since", since).stdout).toMatch(
      /10\.0\.0\.2:80 +up +50\.0 % +0 % +50\.0 % +0 % +0 % +0 % +2 +1 /,
    );
    const incident = stats("incident", "--since", since, "--until", until);
    expect(incident.code).toBe(0);
    expect(incident.stderr).toContain("fewer than 20 requests were recorded in the hour before");
  });

  test("it says why there is nothing", () => {
    const before = stats("--since", "2020-01-01", "--until", "2020-01-02");
    expect(before.code).toBe(0);
    expect(before.stderr).toContain("Note: counts begin at ");
    expect(before.stderr).toContain("no request was recorded in that time; the last one that was counted ended at");
    const unknown = stats("--since", since, "--until", until, "--pool", "shop");
    expect(unknown.stderr).toBe('Note: no pool "shop" had a request in that time; these had: default.\n');
    const other = stats("--since", since, "--until", until, "--instance", "elsewhere");
    expect(other.stderr).toContain('is "elsewhere" the INSTANCE_NAME that recorded?');
  });

  test("what is wrong is said, with 1", () => {
    const cases = [
      [["--since", "soon"], /since: "soon" is no time; give a length of time before now/],
      [
        ["events", "--by", "hour"],
        /by is not known here: since, until, pool, server, route, instance, kind, limit are/,
      ],
      [["everything"], /"everything" cannot be asked for: traffic, events, requests, servers, incident can/],
      [["--format", "xml"], /Allowed choices are table, json, csv/],
    ] as const;
    for (const [args, message] of cases) {
      const { code, stderr, stdout } = stats(...args);
      expect([code, stdout]).toEqual([1, ""]);
      expect(stderr).toMatch(message);
    }
  });

  test("the examples of docs/history.md are understood", () => {
    const commands = blocksOf("docs/history.md")
      .flatMap(({ text }) => text.split("\n"))
      .filter((line) => line.startsWith("neurabalancer stats"))
      .map((line) =>
        line
          .replace(/ +#.*$/, "")
          .split(/ +/)
          .slice(2),
      );
    expect(commands.length).toBeGreaterThan(8);
    for (const args of commands) expect([args, stats(...args).code]).toEqual([args, 0]);
  });

  test("without a store it says so, and makes none", () => {
    const missing = join(dirname(directory.path), "none");
    const { code, stderr } = neurabalancer(["stats"], { DATA_DIR: missing });
    expect(code).toBe(1);
    expect(stderr).toContain(missing);
    expect(existsSync(missing)).toBe(false);
    mkdirSync(missing);
    writeFileSync(join(missing, "history.db"), "no database at all, whatever its name says".repeat(100));
    const damaged = neurabalancer(["stats", "--data-dir", missing]);
    expect(damaged.code).toBe(1);
    expect(damaged.stderr).toContain("damaged");
  });
});

describe.skipIf(!hasPostgres)("stats of a database", () => {
  let server: PostgresServer;

  beforeAll(async () => {
    server = await PostgresServer.start();
  }, 120_000);
  afterAll(() => server.remove());

  test("are those of the database that DB_HOST names; no message has its password", async () => {
    const location = await server.database();
    const limits = WIDE_LIMITS;
    const shared = await openHistoryStore(location, { nowMs: Date.now, instance: "one", limits });
    shared.appendMetrics([second(end - HOUR, "10.0.0.1:80", 10)]);
    expect(await shared.flush()).toBe(true);
    const env = {
      DB_HOST: location.host,
      DB_PORT: String(location.port),
      DB_NAME: location.database,
      DB_USER: location.user,
      DB_PASSWORD: PASSWORD,
    };
    const of = (instance: string) => neurabalancer(["stats", "--since", since, "--json", "--instance", instance], env);
    const { code, stdout, stderr } = of("one");
    expect([code, stderr]).toEqual([0, ""]);
    expect((JSON.parse(stdout) as TrafficAnswer).rows).toMatchObject([{ server: "10.0.0.1:80", requests: 2 }]);
    expect((JSON.parse(of("two").stdout) as TrafficAnswer).total.requests).toBe(0);
    await shared.close();
    const refused = neurabalancer(["stats"], { ...env, DB_NAME: "no_such_database" });
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("no_such_database");
    expect(refused.stderr).not.toContain(PASSWORD);
  }, 120_000);
});
