/** What goes wrong with a database: nothing is doubled, nothing that was confirmed is lost, and it is said what is the matter. */
import { describe, expect, test } from "bun:test";
import { BufferedHistory } from "../../../../src/storage/buffered/history.ts";
import { openLearningStore } from "../../../../src/storage/open-store.ts";
import type { StorePart } from "../../../../src/storage/parts.ts";
import type { PostgresLocation } from "../../../../src/storage/postgres/location.ts";
import { POSTGRES } from "../../../../src/storage/postgres/postgres.ts";
import { canMount, PASSWORD, PostgresServer } from "../../../support/databases/postgres-server.ts";
import { eventually, until } from "../../../support/until.ts";
import { Said } from "../store-fixture.ts";
import { event, history, metric, NOW_MS, request, sums, withServer, write } from "./fixture.ts";
import { Relay } from "./relay.ts";

/** Where a database that hangs has to be given up. Everywhere else nothing is late, however busy the machine is. */
const QUICK = { connectTimeoutMs: 1_000, statementTimeoutMs: 1_000 };

/** A history that is written to as long as a test wants, and what was confirmed of it. */
class Writer {
  readonly said = new Said();
  readonly store: BufferedHistory;
  handedOver = 0;
  confirmed = 0;
  #second = 0;

  constructor(where: PostgresLocation) {
    this.store = new BufferedHistory({
      backend: history(where),
      name: "the place",
      events: this.said,
      nowMs: () => NOW_MS,
    });
  }

  /** A second of one request, with a row of each kind. True when all is written. */
  async write(): Promise<boolean> {
    const atMs = NOW_MS + 1_000 * this.#second++;
    const counted = metric(atMs, { requests: 1 });
    this.store.appendMetrics([counted]);
    this.store.appendRequests([request(atMs)]);
    this.store.appendEvents([{ ...event(atMs), detail: null }]);
    this.handedOver++;
    return this.flush();
  }

  async flush(): Promise<boolean> {
    const handedOver = this.handedOver;
    const isWritten = await this.store.flush();
    if (isWritten) this.confirmed = handedOver;
    return isWritten;
  }

  /** All that was handed over is there in the end, once. */
  async isWhole(server: PostgresServer, where: PostgresLocation): Promise<void> {
    await until(() => this.flush());
    const n = this.handedOver;
    expect(await sums(server, where)).toEqual([n, n, n]);
    const [row] = await server.query<{ requests: string; events: string }>(
      "SELECT (SELECT count(*) FROM requests) AS requests, (SELECT count(*) FROM events) AS events",
      where.database,
    );
    expect([Number(row.requests), Number(row.events)]).toEqual([n, n]);
    expect(this.store.status()).toMatchObject({ bufferedRows: 0, rowsDropped: 0, problem: null });
  }
}

async function count(server: PostgresServer, { database }: PostgresLocation): Promise<number> {
  return Number((await server.query<{ n: string }>("SELECT count(*) AS n FROM metrics", database))[0].n);
}

withServer("a database in trouble", (server) => {
  test("that is killed while it is written to and started again has all that was confirmed, once", async () => {
    const where = await (await server()).database();
    const writer = new Writer(where);
    expect(await writer.write()).toBe(true);
    for (let round = 0; round < 3; round++) {
      const before = writer.confirmed;
      const writing = (async () => {
        for (let n = 0; n < 30; n++) await writer.write();
      })();
      await until(() => writer.confirmed > before + 3);
      const { confirmed } = writer;
      await (await server()).stop("crash");
      await (await server()).start();
      expect(await count(await server(), where)).toBeGreaterThanOrEqual(confirmed);
      await writing;
      await writer.isWhole(await server(), where);
    }
    await writer.store.close();
  });

  test("whose sessions are ended again and again", async () => {
    const where = await (await server()).database();
    const writer = new Writer(where);
    await writer.write();
    for (let n = 0; n < 40; n++) {
      const ended = (await server()).query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${where.database}' AND application_name LIKE 'neura%'`,
      );
      await Promise.all([writer.write(), ended]);
    }
    await writer.isWhole(await server(), where);
    await writer.store.close();
  });

  test("whose answer to COMMIT is lost: the batch comes again, and counts once", async () => {
    const relay = new Relay((await server()).port);
    const where = { ...(await (await server()).database()), port: relay.port };
    const writer = new Writer(where);
    await writer.write();
    for (let n = 0; n < 3; n++) {
      relay.cutAfter = "COMMIT";
      expect(await writer.write()).toBe(false);
      expect(writer.said.lines.at(-1)).toBe("degraded unavailable");
      await eventually(async () => expect(await count(await server(), where)).toBe(writer.handedOver));
      await until(() => writer.flush());
    }
    expect(relay.cuts).toBe(3);
    await writer.isWhole(await server(), where);
    await writer.store.close();
    relay.close();
  });

  test("that hangs is given up after its time, and used again when it goes on", async () => {
    const where = await (await server()).database(QUICK);
    const writer = new Writer(where);
    await until(() => writer.write());
    writer.said.lines.splice(0);
    (await server()).freeze(true);
    try {
      expect(await writer.write()).toBe(false);
      expect(writer.store.status().problem?.message).toMatch(
        /^PostgreSQL 127\.0\.0\.1:\d+\/test_\d+: no answer for 2 s$/,
      );
      expect(await writer.write()).toBe(false); // nor does a new connection get one
    } finally {
      (await server()).freeze(false);
    }
    await writer.isWhole(await server(), where);
    expect(writer.said.lines).toEqual(["degraded unavailable", "recovered unavailable"]);
    await writer.store.close();
  });

  test("that may not be written to says so, and is written to when it may be", async () => {
    const where = await (await server()).database();
    const writer = new Writer(where);
    await writer.write();
    await (await server()).query(`ALTER DATABASE ${where.database} SET default_transaction_read_only = on`);
    await (await server()).query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${where.database}'`,
    );
    await until(async () => !(await writer.write()) && writer.store.status().problem?.kind === "read_only");
    expect(writer.store.status().problem?.message).toContain("the server is read-only");
    await (await server()).query(`ALTER DATABASE ${where.database} RESET default_transaction_read_only`);
    await writer.isWhole(await server(), where);
    await writer.store.close();
  });

  test("whose password was changed: it is said which setting is wrong, never what it is", async () => {
    const where = await (await server()).database({ user: "app" });
    await (await server()).query(`CREATE ROLE app LOGIN PASSWORD '${PASSWORD}'`);
    await (await server()).query(`ALTER DATABASE ${where.database} OWNER TO app`);
    const writer = new Writer(where);
    expect(await writer.write()).toBe(true);
    await (await server()).query("ALTER ROLE app PASSWORD 'another'");
    await (await server()).query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'");
    await until(async () => !(await writer.write()) && writer.store.status().problem?.message.includes("password"));
    const { message } = writer.store.status().problem!;
    expect(message).toContain("the password is wrong for user app: see DB_USER and DB_PASSWORD (28P01)");
    expect(message).not.toContain(PASSWORD);
    await (await server()).query(`ALTER ROLE app PASSWORD '${PASSWORD}'`);
    await writer.isWhole(await server(), where);
    await writer.store.close();
  });

  test("that is away when the learner begins: in memory meanwhile, and it is told when it is there", async () => {
    const where = { ...(await (await server()).database(QUICK)) };
    const away = { ...where, host: "127.0.0.1", port: 1 };
    const { problem } = await openLearningStore(away, { nowMs: () => NOW_MS, lockWaitMs: 0 });
    expect(problem).toContain("nothing answers there: see DB_HOST and DB_PORT");
    const { promise, resolve } = Promise.withResolvers<void>();
    await (await server()).query(`ALTER DATABASE ${where.database} CONNECTION LIMIT 0`);
    await (await server()).query("CREATE ROLE late LOGIN SUPERUSER PASSWORD 'late'");
    await (await server()).query("ALTER ROLE late PASSWORD 'not yet'");
    const opened = await openLearningStore(
      { ...where, user: "late", password: "late" },
      { nowMs: () => NOW_MS, lockWaitMs: 0, onAvailable: resolve, pollMs: 20 },
    );
    expect(opened.problem).toContain("what is learned is kept in memory and ends with the process");
    await (await server()).query("ALTER ROLE late PASSWORD 'late'");
    await promise;
    await opened.store.close();
  });
});

describe.skipIf(!canMount)("a small disk", () => {
  test("that is full: said once, and written again when there is room", async () => {
    const server = await PostgresServer.start({ smallMegabytes: 24 });
    try {
      const where = await server.smallDatabase();
      const writer = new Writer(where);
      await writer.write();
      await server.query("CREATE TABLE filler (filler text)", where.database);
      const fill = "INSERT INTO filler SELECT repeat(md5(random()::text), 50) FROM generate_series(1, 500)";
      await until(async () => {
        try {
          await server.query(fill, where.database);
        } catch {
          for (let n = 0; n < 50 && (await writer.write()); n++);
        }
        return writer.store.status().problem;
      });
      expect(writer.store.status().problem).toMatchObject({
        kind: "disk_full",
        message: expect.stringContaining("the server's disk is full (53100)"),
      });
      await server.query("DROP TABLE filler", where.database);
      await writer.isWhole(server, where);
      expect(writer.said.lines).toEqual(["degraded disk_full", "recovered disk_full"]);
      await writer.store.close();
    } finally {
      await server.remove();
    }
  });
});

withServer("owners of a database", (server) => {
  test("all at once make its tables once", async () => {
    const where = await (await server()).database();
    const names = ["one", "two", "three", "four", "five"];
    const histories = names.map((instance) => history({ ...where, instance }));
    const learned = names.map((instance) =>
      POSTGRES.learning.own(
        { ...where, instance },
        {
          features: ["a"],
          limits: { maxSamples: 9, maxBytes: 9, maxVerdicts: 9, maxModels: 9 },
          nowMs: () => NOW_MS,
          movedAside: () => {},
        },
      ),
    );
    await Promise.all([...histories, ...learned].map((backend) => backend.open()));
    const steps = await (await server()).query(
      "SELECT version, min_compatible, flavour FROM neurabalancer_schema ORDER BY version",
      where.database,
    );
    expect(steps).toEqual([
      { version: 4, min_compatible: 4, flavour: "plain" },
      { version: 5, min_compatible: 4, flavour: "plain" },
    ]);
    const owners = await (await server()).query<{ part: StorePart }>("SELECT part FROM owners", where.database);
    expect(owners.length).toBe(10);
    await Promise.all([...histories, ...learned].map((backend) => backend.close()));
  });

  test("with one name: the second is refused, until the first has gone", async () => {
    const where = await (await server()).database();
    const [first, second] = [history(where), history(where)];
    await first.open();
    const refusal = {
      kind: "in_use",
      message: expect.stringContaining("INSTANCE_NAME one: another instance writes under this name"),
    };
    await expect(second.open()).rejects.toMatchObject(refusal);
    await first.close();
    await eventually(() => second.open());
    await second.close();
  });

  test("whose name another has taken meanwhile write nothing more", async () => {
    const where = await (await server()).database();
    const backend = history(where);
    await backend.open();
    await (await server()).query("UPDATE owners SET token = 'of another'", where.database);
    await expect(write(backend, "1", { metrics: [metric(NOW_MS)] })).rejects.toMatchObject({ kind: "in_use" });
    expect(await count(await server(), where)).toBe(0);
    await backend.close();
  });

  test("of an older version beside newer tables run if those say that they may, and refuse else", async () => {
    const where = await (await server()).database();
    const backend = history(where);
    await backend.open();
    await backend.close();
    const newer = (min: number) =>
      `INSERT INTO neurabalancer_schema (version, min_compatible, flavour) VALUES (6, ${min}, 'plain')
       ON CONFLICT (version) DO UPDATE SET min_compatible = excluded.min_compatible`;
    await (await server()).query(newer(5), where.database);
    await eventually(() => backend.open());
    await write(backend, "1", { metrics: [metric(NOW_MS)] });
    await backend.close();
    await (await server()).query(newer(6), where.database);
    const refusal = {
      kind: "newer_schema",
      message: expect.stringContaining("(schema 6, this one knows 5): run that version"),
    };
    await expect(backend.open()).rejects.toMatchObject(refusal);
    await expect(POSTGRES.history.visit(where).servers()).rejects.toMatchObject({ kind: "newer_schema" });
  });

  test("never touch the tables of another program", async () => {
    const where = await (await server()).database();
    await (await server()).query("CREATE TABLE events (mine integer)", where.database);
    const refusal = {
      kind: "foreign_file",
      message: expect.stringContaining("tables of another program in schema public (events)"),
    };
    await expect(history(where).open()).rejects.toMatchObject(refusal);
    expect(await POSTGRES.problem(where)).toContain("choose another DB_NAME");
  });
});
