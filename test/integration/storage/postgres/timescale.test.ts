/** The same history where TimescaleDB is: over the real extension (see test/support/databases/timescale-server.ts). */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { POSTGRES } from "../../../../src/storage/postgres/postgres.ts";
import { TIMESCALE_VIEWS } from "../../../../src/storage/postgres/timescale.ts";
import { TimescaleServer } from "../../../support/databases/timescale-server.ts";
import { DAY_MS, event, HOUR_MS, history, LIMITS, metric, NOW_MS, request, write } from "./fixture.ts";

describe("TimescaleDB", () => {
  let server: TimescaleServer;
  beforeAll(async () => {
    server = await TimescaleServer.start();
  });
  afterAll(() => server.close());
  const rowsOf = async (query: string) => (await server.db.query<Record<string, unknown>>(query)).rows;

  test("is used where it is: hypertables, compression, policies, continuous aggregates", async () => {
    const backend = history(server.location());
    await backend.open();
    await backend.close();
    expect(await rowsOf("SELECT version, flavour FROM neurabalancer_schema ORDER BY version")).toEqual([
      { version: 4, flavour: "timescale" },
      { version: 5, flavour: "timescale" },
    ]);
    const tables =
      "SELECT hypertable_name AS name, compression_enabled AS compressed FROM timescaledb_information.hypertables";
    expect(await rowsOf(`${tables} WHERE hypertable_name !~ '^_' ORDER BY 1`)).toEqual([
      { name: "metrics", compressed: true },
      { name: "requests", compressed: true },
      { name: "server_gauges", compressed: true },
    ]);
    const views =
      "SELECT view_name AS name, materialized_only AS only FROM timescaledb_information.continuous_aggregates";
    expect(await rowsOf(`${views} ORDER BY 1 DESC`)).toEqual(TIMESCALE_VIEWS.map((name) => ({ name, only: false })));
    const jobs = `SELECT proc_name || ' ' || hypertable_name || ' ' || (config - 'hypertable_id' - 'mat_hypertable_id')::text AS job
      FROM timescaledb_information.jobs WHERE hypertable_name IS NOT NULL ORDER BY 1`;
    expect((await rowsOf(jobs)).map(({ job }) => job)).toEqual([
      'policy_compression metrics {"compress_after": "12:00:00"}',
      'policy_compression requests {"compress_after": "12:00:00"}',
      'policy_compression server_gauges {"compress_after": "12:00:00"}',
      'policy_refresh_continuous_aggregate metrics_1h {"end_offset": "01:00:00", "start_offset": "71:00:00"}',
      'policy_refresh_continuous_aggregate metrics_1m {"end_offset": "00:02:00", "start_offset": "71:00:00"}',
      'policy_retention metrics {"drop_after": "72:00:00"}',
      'policy_retention metrics_1h {"drop_after": "9600:00:00"}',
      'policy_retention metrics_1m {"drop_after": "744:00:00"}',
      'policy_retention requests {"drop_after": "72:00:00"}',
      'policy_retention server_gauges {"drop_after": "72:00:00"}',
    ]);
  });

  test("takes other limits at the next start", async () => {
    const backend = history(server.location(), { limits: { ...LIMITS, detailMs: HOUR_MS, minutesMs: 2 * DAY_MS } });
    await backend.open();
    const jobs =
      "SELECT config->>'drop_after' AS after FROM timescaledb_information.jobs WHERE proc_name = 'policy_retention' ORDER BY hypertable_name";
    // Seconds stay as long as hours need that are made of them.
    const expected = ["12:00:00", "9600:00:00", "48:00:00", "12:00:00", "12:00:00"];
    expect((await rowsOf(jobs)).map(({ after }) => after)).toEqual(expected);
    await backend.close();
  });

  test("adds up by itself, counts a second once, and gives histograms that can be merged", async () => {
    const backend = history(server.location());
    await backend.open();
    const rows = Array.from({ length: 300 }, (_, i) => metric(NOW_MS + i * 1_000));
    await write(backend, "1", { metrics: rows, requests: [request(NOW_MS)], events: [event(NOW_MS)] });
    await write(backend, "1", { metrics: rows, requests: [request(NOW_MS)], events: [event(NOW_MS)] });
    await write(backend, "2", { metrics: rows.slice(0, 100), requests: [request(NOW_MS)] });
    const all = { sinceMs: 0, untilMs: 9e15 };
    const minutes = (await backend.metricPage({ ...all, resolution: "minute" }, null, 100)).rows;
    expect(minutes.map(({ requests }) => requests)).toEqual([180, 180, 180, 180, 180]);
    const counts = { requests: 180, failures: 60, durationSumMs: 90, responseBytes: 300, durations: [0, 60, 120] };
    expect(minutes[0]).toEqual(metric(NOW_MS, counts));
    const hours = (await backend.metricPage({ ...all, resolution: "hour" }, null, 100)).rows;
    expect(hours.map(({ requests, durations }) => [requests, durations])).toEqual([[900, [0, 300, 600]]]);
    expect((await backend.requestPage(all, null, 10)).rows.length).toBe(1);
    expect(await backend.span("hour")).toEqual({ oldestMs: NOW_MS, newestMs: NOW_MS });
    await backend.close();
  });

  test("is the same when it has summed up, has compressed, and rows come late", async () => {
    await server.db.exec("SELECT compress_chunk(chunk) FROM show_chunks('metrics') AS chunk");
    await server.db.exec("CALL refresh_continuous_aggregate('metrics_1m', NULL, NULL)");
    const backend = history(server.location());
    await backend.open();
    await write(backend, "late", { metrics: [metric(NOW_MS), metric(NOW_MS + 299_000, { server: "b:80" })] });
    await server.db.exec("CALL refresh_continuous_aggregate('metrics_1m', NULL, NULL)");
    const query = { sinceMs: 0, untilMs: 9e15, resolution: "minute" } as const;
    const rows = (await backend.metricPage(query, null, 100)).rows;
    expect(rows.map(({ requests }) => requests)).toEqual([180, 180, 180, 180, 180, 3]);
    expect(rows[0].durations).toEqual([0, 60, 120]);
    await backend.close();
  });

  test("gives up the oldest chunk of what is too much, never the newest", async () => {
    let nowMs = NOW_MS + DAY_MS;
    const backend = history(server.location(), { nowMs: () => nowMs, limits: { ...LIMITS, maxBytes: 1 } });
    await backend.open();
    for (let n = 0; n < 3; n++) {
      await write(backend, `much ${n}`, { metrics: [metric(nowMs)], requests: [request(nowMs)] });
      nowMs += 61_000;
    }
    expect((await backend.span("second")).oldestMs).toBe(NOW_MS + DAY_MS);
    expect(backend.bytes).toBeGreaterThan(0);
    await backend.close();
  });

  test("goes with the tables", async () => {
    const keeper = POSTGRES.schema(server.location(), () => NOW_MS);
    await keeper.migrate(3, () => {});
    expect(await keeper.state()).toMatchObject([{ version: 0, problem: null }]);
    expect(await rowsOf("SELECT hypertable_name FROM timescaledb_information.hypertables")).toEqual([]);
    await keeper.migrate(5, () => {});
    expect(await keeper.state()).toMatchObject([{ version: 5, problem: null }]);
  });
});
