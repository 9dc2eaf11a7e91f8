/** What the tables of PostgreSQL do that others do not: roll-ups in one statement, partitions, several instances. */
import { expect, test } from "bun:test";
import { eventually } from "../../../support/until.ts";
import {
  DAY_MS,
  event,
  HOUR_MS,
  history,
  LIMITS,
  metric,
  NO_ROWS,
  NOW_MS,
  request,
  sums,
  withServer,
  write,
} from "./fixture.ts";

withServer("the tables of history in PostgreSQL", (server) => {
  test("add up only rows that were not there before, and a batch counts once", async () => {
    const where = await (await server()).database();
    const backend = history(where);
    await backend.open();
    const rows = Array.from({ length: 1_000 }, (_, i) =>
      metric(NOW_MS + (i % 250) * 1_000, { server: `s${Math.floor(i / 250)}:80` }),
    );
    await write(backend, "1", { metrics: rows, events: [event(NOW_MS)], requests: [request(NOW_MS)] });
    await write(backend, "1", { metrics: rows, events: [event(NOW_MS)], requests: [request(NOW_MS)] });
    await write(backend, "2", { metrics: rows.slice(0, 500) });
    await write(backend, "3", {
      metrics: [...rows.slice(0, 10), metric(NOW_MS + 3_000, { statusClass: 5, durations: [7] })],
    });
    expect(await sums(await server(), where)).toEqual([3_003, 3_003, 3_003]);
    const page = await backend.metricPage({ resolution: "minute", sinceMs: 0, untilMs: 9e15 }, null, 100);
    const first = page.rows.filter(({ atMs, server: name }) => atMs === NOW_MS && name === "s0:80");
    expect(first).toEqual([
      metric(NOW_MS, {
        server: "s0:80",
        requests: 180,
        failures: 60,
        durationSumMs: 90,
        responseBytes: 300,
        durations: [0, 60, 120],
      }),
    ]);
    expect((await backend.events({ sinceMs: 0, untilMs: 9e15, limit: 10 })).length).toBe(1);
    await backend.close();
  });

  test("are apart by time: there is a partition before rows come, whatever their time is", async () => {
    const where = await (await server()).database();
    const backend = history(where);
    await backend.open();
    await write(backend, "1", { metrics: [metric(0), metric(NOW_MS), metric(NOW_MS + 500 * DAY_MS)] });
    const partitions = await (await server()).query<{ name: string }>(
      "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'metrics'::regclass ORDER BY 1",
      where.database,
    );
    // The first is too old by now and went; the one of now and the one after it are there in any case.
    const from = (ms: number) => `metrics_p${ms / 1_000}_${(ms + HOUR_MS) / 1_000}`;
    expect(partitions.map(({ name }) => name)).toEqual([from(NOW_MS), from(NOW_MS + 500 * DAY_MS)]);
    await backend.close();
  });

  test("of other widths lie beside each other when settings change", async () => {
    const where = await (await server()).database();
    const times = [NOW_MS, NOW_MS + 26 * HOUR_MS, NOW_MS - 30 * HOUR_MS];
    for (const [i, days] of [3, 300, 3_000].entries()) {
      const backend = history(where, { limits: { ...LIMITS, detailMs: days * DAY_MS } });
      await eventually(() => backend.open()); // the server takes a moment to see that the one before is gone
      await write(backend, `${i}`, { metrics: times.map((at) => metric(at + i * 2 * HOUR_MS)) });
      await backend.close();
    }
    expect((await sums(await server(), where))[0]).toBe(27);
  });

  test("lose what is too old, and the oldest of what is too much, but never what is written to", async () => {
    const where = await (await server()).database();
    let nowMs = NOW_MS;
    const backend = history(where, { nowMs: () => nowMs });
    await backend.open();
    for (let hour = 0; hour < 6; hour++) {
      const at = NOW_MS + hour * HOUR_MS;
      await write(backend, `${hour}`, { metrics: [metric(at)], requests: [request(at)], events: [event(at)] });
    }
    nowMs = NOW_MS + 75 * HOUR_MS;
    await write(backend, "later", { metrics: [metric(nowMs)] });
    const oldest = await backend.span("second");
    expect(oldest.oldestMs).toBe(NOW_MS + 3 * HOUR_MS);
    expect((await backend.span("minute")).oldestMs).toBe(NOW_MS);
    await backend.close();

    const small = history(where, { nowMs: () => nowMs, limits: { ...LIMITS, maxBytes: 1 } });
    await eventually(() => small.open());
    for (let i = 0; i < 5; i++) {
      nowMs += 2 * 60_000;
      await write(small, `small ${i}`, { metrics: [metric(nowMs)] });
    }
    expect((await small.span("second")).oldestMs).toBe(NOW_MS + 75 * HOUR_MS);
    expect((await small.span("hour")).newestMs).toBe(NOW_MS + 75 * HOUR_MS);
    await small.close();
  });

  test("are several instances': each writes its own, and all is read together or one by one", async () => {
    const where = await (await server()).database();
    const backends = ["one", "two", "three", "four", "five"].map((instance) => history({ ...where, instance }));
    await Promise.all(backends.map((backend) => backend.open()));
    for (let n = 0; n < 10; n++) {
      await Promise.all(
        backends.map((backend, i) =>
          write(backend, `${i}-${n}`, {
            metrics: [metric(NOW_MS + n * 1_000), metric(NOW_MS + n * 1_000, { server: "b:80" })],
          }),
        ),
      );
    }
    expect(await sums(await server(), where)).toEqual([300, 300, 300]);
    const query = { resolution: "hour" as const, sinceMs: 0, untilMs: 9e15 };
    expect((await backends[0].metricPage(query, null, 100)).rows.length).toBe(10);
    const own = (await backends[0].metricPage({ ...query, instance: "three", server: "b:80" }, null, 100)).rows;
    expect(own.map(({ requests }) => requests)).toEqual([30]);
    await Promise.all(backends.map((backend) => backend.close()));
  });

  test("keep what is set for instances of different configurations, until one of them changes its own", async () => {
    const where = await (await server()).database();
    const [one, two] = ["one", "two"].map((instance) => history({ ...where, instance }));
    let n = 0;
    const know = async (backend: typeof one, weight: number) => {
      const servers = [{ pool: "default", host: "a", port: 80, weight, capacity: 10 }];
      const change = { kind: "know_servers", servers, atMs: NOW_MS } as const;
      const known = await backend.write({ batchId: `k${n++}`, rows: NO_ROWS, change, probe: false });
      return { ...known!.rows[0], undone: known!.undone.length };
    };
    await know(one, 1);
    await know(two, 2);
    const sql = "UPDATE servers SET weight = 7";
    await (await server()).query(sql, where.database);
    for (let i = 0; i < 2; i++) {
      // The override stands beside what the instance that asks has configured: so it counts in both.
      expect(await know(one, 1)).toMatchObject({ weight: 7, configuredWeight: 1, undone: 0 });
      expect(await know(two, 2)).toMatchObject({ weight: 7, configuredWeight: 2, undone: 0 });
    }
    expect((await one.servers())[0]).toMatchObject({ weight: 7, configuredWeight: 1 });
    const three = history({ ...where, instance: "three" });
    expect(await know(three, 2)).toMatchObject({ weight: 7, configuredWeight: 2, undone: 0 }); // a new one changes nothing
    await three.close();
    expect(await know(two, 3)).toMatchObject({ weight: null, configuredWeight: 3, undone: 1 });
    await (await server()).query(sql, where.database);
    expect(await know(one, 3)).toMatchObject({ weight: 7, configuredWeight: 3, undone: 0 }); // set when it was 3 already
    await Promise.all([one.close(), two.close()]);
  });

  test("keep a server until no instance that is alive has it any more", async () => {
    const where = await (await server()).database();
    const [one, two] = ["one", "two"].map((instance) => history({ ...where, instance }));
    await Promise.all([one.open(), two.open()]);
    const known = (host: string) => ({ pool: "default", host, port: 80, weight: 1, capacity: 10 });
    let n = 0;
    const know = (backend: typeof one, hosts: string[]) =>
      backend.write({
        batchId: `k${n++}`,
        rows: { metrics: [], requests: [], gauges: [], events: [] },
        change: { kind: "know_servers", servers: hosts.map(known), atMs: NOW_MS + n },
        probe: false,
      });
    const removed = async (told: ReturnType<typeof know>) =>
      (await told)!.rows.filter(({ removedAtMs }) => removedAtMs !== null).map(({ host }) => host);
    expect(await removed(know(one, ["a", "b"]))).toEqual([]);
    expect(await removed(know(two, ["b", "c"]))).toEqual([]);
    expect(await removed(know(one, ["b"]))).toEqual(["a"]);
    await two.close();
    // The server takes a moment to see that it is gone.
    await eventually(async () => expect(await removed(know(one, ["b"]))).toEqual(["a", "c"]));
    expect(await removed(know(one, ["a", "b"]))).toEqual(["c"]);
    await one.close();
  });
});
