/** `/metrics`. */
import { ReservedPath } from "../../../shared/reserved-paths.ts";
import type { Work } from "../../../telemetry/metrics/exposition.ts";
import { PROMETHEUS_TEXT } from "../../../telemetry/metrics/formats/prometheus-text.ts";
import { ApiError } from "../responses.ts";
import { SharedResponse } from "../shared-response.ts";
import type { RouteGroup } from "./route.ts";

/** What this route shows. */
export interface MetricsControl {
  /** Reads and writes all metrics. */
  metrics(): Work<Buffer>;
  prometheusEnabled(): boolean;
  /** Monotonic, milliseconds. */
  nowMs(): number;
}

/** It never asks for the token. */
export const metricsRoutes: RouteGroup<MetricsControl> = (control) => {
  const exposition = new SharedResponse(
    () => blobOf(control),
    () => control.nowMs(),
  );
  return [
    {
      path: ReservedPath.METRICS,
      audience: "everyone",
      open: true,
      methods: {
        GET: {
          doc: "Prometheus text; [metrics.md](metrics.md) lists all metrics",
          handle: async ({ signal }) => {
            if (!control.prometheusEnabled()) {
              throw new ApiError(404, "disabled", "metrics are switched off (PROMETHEUS_ENABLED=false)");
            }
            const headers = { "content-type": PROMETHEUS_TEXT.contentType, "cache-control": "no-store" };
            return new Response(await exposition.get(signal), { headers });
          },
        },
      },
    },
  ];
};

/** What several readers share takes memory once. */
function* blobOf(control: MetricsControl): Work<Blob> {
  return new Blob([yield* control.metrics()]);
}
