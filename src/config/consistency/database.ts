/** Settings of the database that contradict each other, or that do nothing as they are. */
import type { Contradictions, PartialConfig } from "./contradictions.ts";

/** Connections that an instance takes in any case: two that write, a trainer's, and those of two who ask. */
const LEAST_CONNECTIONS = 5;

/** A comparison with a missing setting finds nothing: its own problem is reported already. */
export function databaseContradictions({ database }: Pick<PartialConfig, "database">): Contradictions {
  const problems: string[] = [];
  const warnings: string[] = [];
  const { host, password, sslMode, sslRootCert, maxOpenConnections } = database;
  if (host === null) {
    if (password) warnings.push("DB_PASSWORD has no effect: DB_HOST is not set, and everything is kept below DATA_DIR");
    return { problems, warnings };
  }
  if (host !== undefined && password === null) {
    problems.push(
      "DB_PASSWORD: is required by DB_HOST; where the server asks for none (trust, peer), any text does, such as DB_PASSWORD=none",
    );
  }
  if (sslRootCert && sslMode !== undefined && !sslMode.startsWith("verify")) {
    warnings.push(
      `DB_SSLROOTCERT has no effect: DB_SSLMODE is ${sslMode}, and only verify-ca and verify-full look at certificates`,
    );
  }
  if (maxOpenConnections! < LEAST_CONNECTIONS) {
    warnings.push(
      `DB_MAX_OPEN_CONNS=${maxOpenConnections}: an instance takes ${LEAST_CONNECTIONS} at times, whatever this says`,
    );
  }
  return { problems, warnings };
}
