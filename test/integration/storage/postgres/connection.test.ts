/** How a database is connected to: encryption and what is checked of certificates, limits of time, how many connections. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PostgresLocation, SslMode } from "../../../../src/storage/postgres/location.ts";
import { POSTGRES } from "../../../../src/storage/postgres/postgres.ts";
import { Session } from "../../../../src/storage/postgres/wire/session.ts";
import { type Authority, createAuthority } from "../../../support/certificates.ts";
import type { PostgresServer } from "../../../support/databases/postgres-server.ts";
import { eventually } from "../../../support/until.ts";
import { history, metric, NOW_MS, withServer, write } from "./fixture.ts";

/** What comes of connecting: `plain`, `encrypted`, or the end of the sentence that says why not. */
async function connect(where: PostgresLocation): Promise<string> {
  try {
    const session = await Session.open(where, "check");
    const [{ ssl }] = await session.query<{ ssl: boolean }>("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
    await session.close();
    return ssl ? "encrypted" : "plain";
  } catch (error) {
    return (error as Error).message.replace(/^PostgreSQL \S+: /, "");
  }
}

const sessions = async (server: PostgresServer, { database }: PostgresLocation, name: string): Promise<number> => {
  const query = `SELECT count(*)::integer AS n FROM pg_stat_activity WHERE datname = '${database}' AND application_name = 'neurabalancer ${name}'`;
  return (await server.query<{ n: number }>(query))[0].n;
};

withServer("a connection", (server) => {
  describe("DB_SSLMODE and DB_SSLROOTCERT", () => {
    let directory: string;
    let own: Authority;
    const files = { own: "", other: "" };
    beforeAll(() => {
      directory = mkdtempSync(join(tmpdir(), "authorities-"));
      own = createAuthority("own");
      for (const [name, { cert }] of Object.entries({ own, other: createAuthority("other") })) {
        files[name as keyof typeof files] = join(directory, `${name}.pem`);
        writeFileSync(files[name as keyof typeof files], cert);
      }
    });
    afterAll(() => rmSync(directory, { recursive: true, force: true }));
    const tried = async (sslMode: SslMode, sslRootCert: string | null = null, host = "127.0.0.1") =>
      connect((await server()).location({ sslMode, sslRootCert, host }));

    test("without TLS there: only disable connects", async () => {
      expect(await tried("disable")).toBe("plain");
      for (const mode of ["require", "verify-ca", "verify-full"] as const) {
        expect(await tried(mode, files.own)).toContain(`the server does not encrypt, and DB_SSLMODE is ${mode}`);
      }
    });

    test("require encrypts, verify-ca looks who signed, verify-full at the name as well", async () => {
      await (await server()).certify(own.issue("DNS:localhost", "IP:127.0.0.1"));
      await eventually(async () => expect(await tried("require")).toBe("encrypted"));
      expect(await tried("disable")).toBe("plain");
      for (const mode of ["verify-ca", "verify-full"] as const) {
        expect(await tried(mode, files.own)).toBe("encrypted");
        expect(await tried(mode, files.other)).toContain("not signed by an authority of DB_SSLROOTCERT");
        expect(await tried(mode)).toContain("not signed by an authority of DB_SSLROOTCERT");
        expect(await tried(mode, join(directory, "none.pem"))).toContain("DB_SSLROOTCERT: there is no such file");
      }
    });

    test("a certificate for another name is enough for verify-ca, and one that has expired for none", async () => {
      await (await server()).certify(own.issue("DNS:another.test"));
      const wrongName = "the server's certificate is for another name than DB_HOST (127.0.0.1)";
      await eventually(async () => expect(await tried("verify-full", files.own)).toContain(wrongName));
      expect(await tried("verify-ca", files.own)).toBe("encrypted");
      await (await server()).certify(own.issueExpired("DNS:localhost", "IP:127.0.0.1"));
      for (const mode of ["verify-ca", "verify-full"] as const) {
        await eventually(async () => expect(await tried(mode, files.own)).toContain("certificate has expired"));
      }
      expect(await tried("require")).toBe("encrypted");
    });
  });

  test.each([
    [{ port: 1 }, "nothing answers there: see DB_HOST and DB_PORT"],
    [{ host: "no-such-name.invalid" }, "nothing answers there: see DB_HOST and DB_PORT"],
    [
      { database: "missing" },
      'there is no such database: create it (CREATE DATABASE "missing"), or see DB_NAME (3D000)',
    ],
    [{ user: "nobody" }, "the password is wrong for user nobody: see DB_USER and DB_PASSWORD (28P01)"],
    [{ password: "wr0ng" }, "the password is wrong for user postgres: see DB_USER and DB_PASSWORD (28P01)"],
  ])("that cannot be made says which setting is wrong: %j", async (changed: Partial<PostgresLocation>, said) => {
    const problem = await POSTGRES.problem((await server()).location(changed));
    expect(problem).toMatch(/^DB_HOST: PostgreSQL /);
    expect(problem).toContain(said);
    expect(problem).not.toContain("wr0ng");
  });

  test("of a user who may not make tables is no use, and check says what to grant", async () => {
    const where = await (await server()).database({ user: "poor" });
    await (await server()).query(`CREATE ROLE poor LOGIN PASSWORD '${where.password}'`);
    await (await server()).query("REVOKE CREATE ON SCHEMA public FROM PUBLIC", where.database);
    expect(await POSTGRES.problem(where)).toContain(
      "user poor may not make tables in schema public: grant CREATE on it",
    );
    const refusal = { kind: "read_only", message: expect.stringContaining("user poor lacks a right") };
    await expect(history(where).open()).rejects.toMatchObject(refusal);
    await (await server()).query("GRANT CREATE ON SCHEMA public TO poor", where.database);
    expect(await POSTGRES.problem(where)).toBeNull();
  });

  test("takes DB_CONNECT_TIMEOUT_MS at most, whatever the other side does", async () => {
    const deaf = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const where = (await server()).location({ port: deaf.port, connectTimeoutMs: 50 });
    expect(await connect(where)).toContain("no connection within DB_CONNECT_TIMEOUT_MS (50)");
    deaf.stop(true);
  });

  test("ends statements after DB_STATEMENT_TIMEOUT_MS, in the server", async () => {
    const session = await Session.open((await server()).location({ statementTimeoutMs: 500 }), "check");
    const late = "a statement took longer than DB_STATEMENT_TIMEOUT_MS (500) (57014)";
    await expect(session.query("SELECT pg_sleep(60)")).rejects.toThrow(late);
    expect(await session.query("SELECT 1 AS one")).toEqual([{ one: 1 }]);
    await session.close();
  });

  test("is one of DB_MAX_OPEN_CONNS at most, and one of DB_MAX_IDLE_CONNS stays", async () => {
    const where = await (await server()).database();
    const owner = history(where);
    await owner.open();
    await write(owner, "1", { metrics: [metric(NOW_MS)] });
    const asked = async (changed: Partial<PostgresLocation>) => {
      const visitor = POSTGRES.history.visit({ ...where, ...changed });
      let most = 0;
      const query = { resolution: "second", sinceMs: 0, untilMs: 9e15 } as const;
      const questions = Array.from({ length: 20 }, async () => {
        expect((await visitor.metricPage(query, null, 10)).rows.length).toBe(1);
        most = Math.max(most, await sessions(await server(), where, "reader"));
      });
      await Promise.all(questions);
      return { visitor, most };
    };
    const few = await asked({ maxOpenConnections: 5 });
    expect(few.most).toBe(1);
    await few.visitor.close();
    const none = await asked({ maxOpenConnections: 25, maxIdleConnections: 0 });
    expect(none.most).toBeLessThanOrEqual(4);
    await eventually(async () => expect(await sessions(await server(), where, "reader")).toBe(0));
    const one = await asked({ maxOpenConnections: 25, maxIdleConnections: 1 });
    await eventually(async () => expect(await sessions(await server(), where, "reader")).toBe(1));
    await Promise.all([none.visitor.close(), one.visitor.close(), owner.close()]);
  });

  test("is replaced when it is as old as DB_CONN_MAX_LIFETIME_MINUTES, and nothing is lost by it", async () => {
    const where = await (await server()).database({ connectionLifetimeMs: 50 });
    const owner = history(where);
    await owner.open();
    const pid = async () =>
      (await (await server()).query<{ pid: number }>("SELECT pid FROM owners", where.database))[0].pid;
    const first = await pid();
    let n = 0;
    do await write(owner, `${n}`, { metrics: [metric(NOW_MS + 1_000 * n++)] });
    while (n < 100 && (n < 10 || (await pid()) === first));
    expect(await pid()).not.toBe(first);
    const [{ rows }] = await (await server()).query<{ rows: number }>(
      "SELECT count(*)::integer AS rows FROM metrics",
      where.database,
    );
    expect(rows).toBe(n);
    await owner.close();
  });
});
