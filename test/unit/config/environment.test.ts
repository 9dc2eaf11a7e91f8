import { afterEach, expect, test } from "bun:test";
import { environmentForChildren } from "../../../src/config/environment.ts";

/** Our own secrets, those of versions to come, and what a cluster sets for others. */
const SECRETS = [
  "DB_PASSWORD",
  "ADMIN_TOKEN",
  "OTEL_EXPORTER_OTLP_HEADERS",
  "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
  "OTEL_EXPORTER_OTLP_METRICS_HEADERS",
  "OTEL_EXPORTER_OTLP_LOGS_HEADERS",
  "REDIS_PASSWORD",
  "GRAFANA_ADMIN_PASSWORD",
];
afterEach(() => {
  for (const name of SECRETS) delete process.env[name];
});

test("processes that are started inherit no secret", () => {
  for (const name of SECRETS) process.env[name] = "s3cret";
  const inherited = environmentForChildren();
  expect(inherited).toMatchObject({ PATH: process.env.PATH });
  expect(JSON.stringify(inherited)).not.toContain("s3cret");
  for (const name of SECRETS) expect(inherited).not.toHaveProperty(name);
});
