/** `npm run generate`: writes what is made from the code. A test fails when one of the files is stale. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { renderOpenApi, withRouteTables } from "../../src/control/admin/routes/docs.ts";
import { modelServerMetrics } from "../../src/model-server/metrics.ts";
import { renderMetricsDocs } from "../../src/telemetry/metrics/docs.ts";
import { chartFiles } from "./chart/chart.ts";
import { renderConfigExample } from "./config/example.ts";
import { renderConfigSchema } from "./config/schema.ts";
import { dashboardFiles } from "./dashboards/dashboards.ts";
import { withFieldTable } from "./log-fields.ts";
import { renderEnvExample, renderReference, withTables } from "./settings.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** A file with the text that it should have. */
export interface GeneratedFile {
  /** From the project's root. */
  readonly path: string;
  readonly content: string;
}

/** All generated files. Throws when one that is made in parts has lost its markers. */
export function generatedFiles(): GeneratedFile[] {
  const present = (path: string) => readFileSync(ROOT + path, "utf8");
  return [
    { path: ".env.example", content: renderEnvExample() },
    { path: "README.md", content: withTables(present("README.md")) },
    { path: "docs/configuration.md", content: renderReference() },
    { path: "docs/http-api.md", content: withRouteTables(present("docs/http-api.md")) },
    { path: "docs/openapi.json", content: renderOpenApi() },
    { path: "docs/neurabalancer.schema.json", content: renderConfigSchema() },
    { path: "neurabalancer.example.yaml", content: renderConfigExample() },
    { path: "docs/logs.md", content: withFieldTable(present("docs/logs.md")) },
    { path: "docs/metrics.md", content: renderMetricsDocs([modelServerMetrics]) },
    ...dashboardFiles(),
    ...chartFiles(),
  ];
}

if (import.meta.main) {
  for (const { path, content } of generatedFiles()) {
    const fresh = existsSync(ROOT + path) && readFileSync(ROOT + path, "utf8") === content;
    if (!fresh) writeFileSync(ROOT + path, content);
    console.log(`${fresh ? "fresh  " : "written"} ${path}`);
  }
}
