/** `GET /api/v1/status`. */
import { z } from "zod";
import type { ListenerSpec } from "../../../protocol/worker.ts";
import type { FleetSummary } from "../../fleet/status.ts";
import type { describeLimits, describeSamples } from "../../processes/learner/status.ts";
import type { describeHistory } from "../../processes/recorder/status.ts";
import type { describeTracing } from "../../processes/tracer/status.ts";
import { certificateView } from "./certificates.ts";
import { describing, type Frozen } from "./describing.ts";
import { learningView } from "./learning.ts";
import { shownPool } from "./pools.ts";
import { processView } from "./process.ts";

const count = z.number().min(0);
const addresses = z.array(z.string());

const listener = describing<ListenerSpec>()(
  z
    .strictObject({
      host: z.string(),
      port: z.int(),
      tls: z.boolean(),
      clientAuth: z.enum(["off", "request", "require"]).optional(),
      proxyProtocol: z.boolean().optional(),
      http2: z.boolean().optional(),
      clients: z.strictObject({ allow: addresses.nullable(), deny: addresses }).optional(),
    })
    .meta({ id: "Listener" }),
);

const fleet = describing<FleetSummary>()(
  z.strictObject({ total: count, healthy: count, up: count, usable: count, panic: z.boolean() }),
);

const samples = describing<Exclude<ReturnType<typeof describeSamples>, null>>()(
  z.strictObject({ pools: z.array(z.string()), kept: count, learner: processView.nullable() }),
);

const limits = describing<Exclude<ReturnType<typeof describeLimits>, null>>()(
  z.strictObject({ pools: z.array(z.string()), learner: processView.nullable() }),
);

const history = describing<Exclude<ReturnType<typeof describeHistory>, null>>()(
  z.strictObject({
    up: z.boolean(),
    store: z.strictObject({
      kind: z.enum(["sqlite", "postgres"]),
      place: z.string(),
      state: z.enum(["unknown", "degraded", "ok"]),
    }),
    recorder: processView.nullable(),
    requests: count,
    requests_lost: count,
    rows_written: count,
    rows_waiting: count,
    rows_dropped: count,
    write_errors: count,
    store_bytes: count,
    events_waiting: count,
    events_dropped: count,
  }),
);

const tracing = describing<Exclude<ReturnType<typeof describeTracing>, null>>()(
  z.strictObject({
    up: z.boolean(),
    endpoint: z.string(),
    protocol: z.enum(["http/protobuf", "grpc"]),
    sampled: z.strictObject({ share: z.number(), parent_based: z.boolean() }).nullable(),
    collector: z.enum(["unknown", "failing", "ok"]),
    tracer: processView.nullable(),
    spans_exported: count,
    spans_rejected: count,
    spans_dropped: count,
    spans_waiting: count,
    bytes_waiting: count,
  }),
);

const allowance = z
  .strictObject({
    workers: z.int().min(1),
    why: z.string(),
    cpu_limit: z.number().nullable().describe("CPUs, which may be a part of one; null = as many as there are"),
    memory_limit_bytes: z.number().nullable().describe("null = as much as there is"),
    memory_needed_bytes: z
      .number()
      .describe("what so many workers with all that belongs to them may come to: a rule of thumb"),
  })
  .describe("what the control group (cgroup) allows, and how many workers there are to be");

const overridden = z.strictObject({
  value: z.number(),
  configured: z.number(),
  origin: z.enum(["configuration", "admin API", "store"]),
});

/** The instance for people and scripts. */
export const statusView = z.strictObject({
  version: z.string(),
  runtime: z.string(),
  started_at: z.iso.datetime(),
  uptime_seconds: z.int().min(0),
  pid: z.int(),
  ports: z
    .strictObject({ port: z.int(), tlsPort: z.int() })
    .nullable()
    .describe("of the first listeners, 0 = none; null = before the first worker is ready"),
  listeners: z.array(listener).nullable(),
  admin: z
    .strictObject({ host: z.string(), port: z.int(), tls: z.boolean(), client_certificates: z.boolean() })
    .nullable(),
  strategy: z.string().describe("of the first pool"),
  fleet,
  pools: z.array(shownPool),
  allowance,
  workers: z.array(z.strictObject({ index: z.int().min(0), ...processView.shape })),
  ml: learningView.nullable().describe("null = no pool's strategy is ml"),
  samples: samples.nullable(),
  limits: limits.nullable().describe("null = of no pool it is learned what its servers work on at once"),
  history: history.nullable().describe("null = HISTORY is off"),
  tracing: tracing.nullable().describe("null = no traces are exported"),
  overrides: z
    .array(
      z.strictObject({
        id: z.int(),
        pool: z.string(),
        url: z.string(),
        address: z.string(),
        weight: overridden.optional(),
        capacity: overridden.optional(),
      }),
    )
    .describe("servers whose weight or capacity is another than configured"),
  reloads: z.strictObject({ success: count, failure: count }),
  configuration: z.strictObject({ successful: z.boolean(), taken_at: z.iso.datetime() }),
  certificates: z.array(certificateView),
  degraded: z.array(z.string()).describe("in which ways less is done than should be"),
  settings: z.record(z.string(), z.strictObject({ value: z.string().nullable(), origin: z.string() })),
});

/** As it is answered. */
export type ShownStatus = Frozen<z.infer<typeof statusView>>;
