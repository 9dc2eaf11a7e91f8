/** PostgreSQL keeps the contract that every backend keeps. */
import { afterAll, describe } from "bun:test";
import { POSTGRES } from "../../../../src/storage/postgres/postgres.ts";
import { hasPostgres, PostgresServer } from "../../../support/postgres-server.ts";
import { storeContract } from "../contract/contract.ts";

describe.skipIf(!hasPostgres)("with a server", () => {
  let server: Promise<PostgresServer> | null = null;
  afterAll(async () => (await server)?.remove());

  storeContract({
    name: "PostgreSQL",
    durable: true,
    remote: true,
    partitioned: true,
    make: async () => {
      server ??= PostgresServer.start();
      const running = await server;
      const location = await running.database();
      return {
        own: (options) => POSTGRES.learning.own(location, options),
        visit: (access, options) => POSTGRES.learning.visit(location, access, options),
        history: {
          own: (options) => POSTGRES.history.own(location, options),
          visit: () => POSTGRES.history.visit(location),
          override: async (host, { weight, capacity }) => {
            const set = `weight = ${weight ?? "weight"}, capacity = ${capacity ?? "capacity"}`;
            await running.query(`UPDATE servers SET ${set} WHERE host = '${host}'`, location.database);
          },
        },
        remove: () => {},
      };
    },
  });
});
