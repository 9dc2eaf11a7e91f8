/** The product with a database: what is set of it holds, and nothing of it stops anything. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { hasPostgres, PostgresServer } from "../support/databases/postgres-server.ts";
import { ProductProcess } from "../support/product-process.ts";
import { eventually, until } from "../support/until.ts";

describe.skipIf(!hasPostgres)("DB_HOST", () => {
  let database: PostgresServer;
  let upstream: Bun.Server<undefined>;
  beforeAll(async () => {
    database = await PostgresServer.start();
    await database.query("CREATE ROLE balancer LOGIN PASSWORD 'it is s3cret'");
    await database.query("CREATE DATABASE kept OWNER balancer");
    upstream = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("ok") });
  });
  afterAll(async () => {
    await upstream.stop(true);
    await database.remove();
  });
  const settings = (): Record<string, string> => ({
    SERVERS: `http://127.0.0.1:${upstream.port}`,
    APP_HOST: "127.0.0.1",
    APP_PORT: "0",
    ADMIN_PORT: "0",
    WORKERS: "1",
    LOG_FORMAT: "json",
    HISTORY: "on",
    LEARNING_SAMPLES: "on",
    INSTANCE_NAME: "edge-1",
    DB_HOST: "127.0.0.1",
    DB_PORT: String(database.port),
    DB_NAME: "kept",
    DB_USER: "balancer",
    DB_PASSWORD: "it is s3cret",
  });
  test("DB_PORT, DB_NAME, DB_USER, DB_PASSWORD, INSTANCE_NAME: what happens is kept there, under this name", async () => {
    const product = new ProductProcess(settings());
    try {
      await product.started();
      const url = `http://127.0.0.1:${product.port}/`;
      await eventually(async () => {
        expect((await fetch(url)).status).toBe(200);
        const query = `SELECT instance, sum(requests)::integer AS requests FROM metrics JOIN series ON series.id = series GROUP BY 1`;
        const rows = await database.query<{ instance: string; requests: number }>(query, "kept");
        expect(rows.map(({ instance }) => instance)).toEqual(["edge-1"]);
      });
      await eventually(async () => {
        const owners = await database.query("SELECT instance, part FROM owners ORDER BY part", "kept");
        expect(owners).toEqual([
          { instance: "edge-1", part: "history" },
          { instance: "edge-1", part: "learning" },
        ]);
      });
    } finally {
      await product.end();
    }
    expect(product.stderr).not.toContain("s3cret");
    const sentence = "keeps the history in native partitions: TimescaleDB is not used, it is not installed";
    await until(() => product.said(sentence));
    expect(product.count(sentence)).toBe(1);
  });

  test("away at the start: requests flow, it is said, and everything is kept when it is there", async () => {
    await database.stop();
    const product = new ProductProcess({ ...settings(), INSTANCE_NAME: "edge-2" });
    try {
      await product.started();
      const url = `http://127.0.0.1:${product.port}/`;
      expect((await fetch(url)).status).toBe(200);
      await eventually(() => expect(product.stderr).toContain("nothing answers there: see DB_HOST and DB_PORT"));
      expect((await fetch(url)).status).toBe(200);
      await database.start();
      await eventually(async () => {
        const query = `SELECT sum(requests)::integer AS n FROM metrics JOIN series ON series.id = series WHERE instance = 'edge-2'`;
        expect((await database.query<{ n: number }>(query, "kept"))[0].n).toBe(2);
      });
    } finally {
      await product.end();
    }
  });
});
