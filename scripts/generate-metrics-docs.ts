/** Writes docs/metrics.md. Run it after a change of the metrics; a test fails while the file is stale. */
import { join } from "node:path";
import { modelServerMetrics } from "../src/model-server/metrics.ts";
import { renderMetricsDocs } from "../src/telemetry/metrics/docs.ts";

await Bun.write(join(import.meta.dir, "../docs/metrics.md"), renderMetricsDocs([modelServerMetrics]));
