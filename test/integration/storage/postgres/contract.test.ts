/** PostgreSQL keeps the contract that every backend keeps. */
import { afterAll, describe } from "bun:test";
import { POSTGRES } from "../../../../src/storage/postgres/postgres.ts";
import { SCHEMA_VERSION } from "../../../../src/storage/schema-keeper.ts";
import { hasPostgres, PostgresServer } from "../../../support/databases/postgres-server.ts";
import { storeContract } from "../contract/contract.ts";

describe.skipIf(!hasPostgres)("with a server", () => {
  let server: Promise<PostgresServer> | null = null;
  /** One whose database "made" has the tables already: the others are copies of it. */
  const start = async (): Promise<PostgresServer> => {
    const started = await PostgresServer.start();
    await started.query("CREATE DATABASE made");
    await POSTGRES.schema(started.location({ database: "made" }), () => 0).migrate(SCHEMA_VERSION, () => {});
    return started;
  };
  afterAll(async () => (await server)?.remove());

  storeContract({
    name: "PostgreSQL",
    durable: true,
    remote: true,
    partitioned: true,
    make: async () => {
      server ??= start();
      const running = await server;
      const location = await running.database({}, "made");
      return {
        own: (options) => POSTGRES.learning.own(location, options),
        visit: (access, options) => POSTGRES.learning.visit(location, access, options),
        history: {
          own: (options) => POSTGRES.history.own(location, options),
          visit: () => POSTGRES.history.visit(location),
          override: async (host, { weight, capacity }) => {
            const given = (value: number | null | undefined, name: string) => (value == null ? name : `'${value}'`);
            const set = `weight = ${given(weight, "weight")}, capacity = ${given(capacity, "capacity")}`;
            await running.query(`UPDATE servers SET ${set} WHERE host = '${host}'`, location.database);
          },
        },
        remove: () => {},
      };
    },
  });
});
