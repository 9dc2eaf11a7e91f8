/** `/health/…`: is the process there, and can it serve? */
import { z } from "zod";
import { type Readiness, readinessCode } from "../../../shared/memory/readiness.ts";
import { ReservedPath } from "../../../shared/reserved-paths.ts";
import { json } from "../responses.ts";
import { operation, type RouteGroup } from "./route.ts";

/** What these routes show. */
export interface HealthControl {
  readiness(): Readiness;
  /** Milliseconds since the epoch. */
  wallMs(): number;
}

const counts = z.strictObject({ total: z.int(), healthy: z.int() });
const readinessBody = counts.extend({
  status: z.enum(["ready", "not_ready", "draining"]),
  pools: z.record(z.string(), counts).optional(),
});

/** They never ask for the token. */
export const healthRoutes: RouteGroup<HealthControl> = (control) => [
  {
    path: ReservedPath.HEALTH_LIVE,
    audience: "everyone",
    methods: {
      GET: operation({
        doc: '200 `{"status":"ok","ts":"…"}` while the process runs',
        scope: "public",
        response: z.strictObject({ status: z.literal("ok"), ts: z.iso.datetime() }),
        handle: () => json({ status: "ok", ts: new Date(control.wallMs()).toISOString() }),
      }),
    },
  },
  {
    path: ReservedPath.HEALTH_READY,
    audience: "everyone",
    methods: {
      GET: operation({
        scope: "public",
        response: readinessBody.extend({ status: z.literal("ready") }),
        others: { 503: readinessBody },
        doc: '200 `{"status":"ready","total":3,"healthy":3}`; 503 without a healthy server (one that a check has found well, or `HEALTH_CHECK_ENABLED=false`) or while stopping. With several pools also `"pools":{"shop":{"total":3,"healthy":3},…}`; the pool `default` must have a healthy server then, or without one any pool',
        handle: () => {
          const readiness = control.readiness();
          return json(readiness, readinessCode(readiness));
        },
      }),
    },
  },
];
