/** `/metrics`. */
import { promisify } from "node:util";
import { constants, gzip } from "node:zlib";
import { ReservedPath } from "../../../shared/reserved-paths.ts";
import type { Work } from "../../../telemetry/metrics/exposition.ts";
import {
  CONTENT_TYPES,
  type FormatName,
  preferredFormat,
  prefersGzip,
} from "../../../telemetry/metrics/formats/negotiation.ts";
import { ApiError } from "../responses.ts";
import { SharedResponse } from "../shared-response.ts";
import { operation, type RouteGroup } from "./route.ts";

/** What this route shows. */
export interface MetricsControl {
  /** Reads and writes all metrics. */
  metrics(format: FormatName): Work<Buffer>;
  prometheusEnabled(): boolean;
  /** Monotonic, milliseconds. */
  nowMs(): number;
}

/** Where there are tokens it wants one, for it tells of the fleet. */
export const metricsRoutes: RouteGroup<MetricsControl> = (control) => {
  const expositions = new SharedResponse(
    (format: FormatName) => expositionOf(control, format),
    () => control.nowMs(),
  );
  return [
    {
      path: ReservedPath.METRICS,
      audience: "everyone",
      methods: {
        GET: operation({
          scope: "metrics",
          media: "text/plain",
          doc: "the metrics as Prometheus text, OpenMetrics or protobuf, as `Accept` asks; [metrics.md](metrics.md) lists them all",
          handle: async ({ request: { signal, headers } }) => {
            if (!control.prometheusEnabled()) {
              throw new ApiError(404, "disabled", "metrics are switched off (PROMETHEUS_ENABLED=false)");
            }
            const format = preferredFormat(headers.get("accept"));
            const exposition = await expositions.get(signal, format);
            const said = {
              "content-type": CONTENT_TYPES[format],
              "cache-control": "no-store",
              vary: "Accept, Accept-Encoding",
            };
            if (!prefersGzip(headers.get("accept-encoding"))) return new Response(exposition.plain, { headers: said });
            return new Response(await exposition.gzipped(), { headers: { ...said, "content-encoding": "gzip" } });
          },
        }),
      },
    },
  ];
};

/** What several readers share takes memory once, and is compressed once, where one of them wants it so. */
class Exposition {
  readonly plain: Blob;
  #gzipped: Promise<Blob> | null = null;

  constructor(bytes: Buffer) {
    this.plain = new Blob([bytes]);
  }

  gzipped(): Promise<Blob> {
    this.#gzipped ??= compressed(this.plain);
    return this.#gzipped;
  }
}

function* expositionOf(control: MetricsControl, format: FormatName): Work<Exposition> {
  return new Exposition(yield* control.metrics(format));
}

const gzipInThread = promisify(gzip);

/** In a thread of the runtime's: this one makes health checks. Fast rather than small: it is text that repeats itself. */
async function compressed(plain: Blob): Promise<Blob> {
  return new Blob([await gzipInThread(await plain.bytes(), { level: constants.Z_BEST_SPEED })]);
}
