/** `GET /api/v1/live/recent`, `GET /api/v1/timeline` and `/api/v1/demo`. */
import { z } from "zod";
import type { DemoState } from "../../../shared/live/demo.ts";
import type { LiveRecent, ServerSeries, TrafficSeries } from "../../../shared/live/recent.ts";
import type { Timeline } from "../../../shared/live/timeline.ts";
import type { KnownServer, LiveTopology } from "../../../shared/live/topology.ts";
import { EVENT_KINDS } from "../../../storage/history-store.ts";
import { describing } from "./describing.ts";

const series = z.array(z.number().nullable()).meta({
  id: "LiveSeries",
  description: "a value for each point, the oldest first; null = nothing is known of that moment",
});

const trafficSeries = describing<TrafficSeries>()(
  z
    .strictObject({ rps: series, s5xx: series, failures: series, p50: series, p99: series, in_flight: series })
    .meta({ id: "TrafficSeries" }),
);

const serverSeries = describing<ServerSeries>()(
  z
    .strictObject({ rps: series, p50: series, p99: series, in_flight: series, errors: series, cpu: series })
    .meta({ id: "ServerSeries" }),
);

const knownServer = describing<KnownServer>()(
  z
    .strictObject({
      id: z.int(),
      name: z.string().describe("host:port as configured"),
      pool: z.string(),
      url: z.string(),
      address: z.string(),
      zone: z.string().nullable(),
      backup: z.boolean(),
      configured_weight: z.number(),
      configured_capacity: z.number(),
      weight_origin: z.string(),
      capacity_origin: z.string(),
    })
    .meta({ id: "KnownServer" }),
);

const topology = describing<LiveTopology>()(
  z
    .strictObject({
      topology: z.int().describe("grows with every change"),
      instance: z.strictObject({
        name: z.string(),
        version: z.string(),
        runtime: z.string(),
        pid: z.int(),
        started: z.number().describe("milliseconds since the epoch"),
        adds_up_over: z.string(),
        demo: z.boolean(),
        history: z.boolean(),
      }),
      strategies: z.array(z.strictObject({ name: z.string(), description: z.string() })),
      listeners: z.array(z.strictObject({ host: z.string(), port: z.int(), tls: z.boolean() })),
      certificates: z.array(z.strictObject({ name: z.string(), expires: z.number() })),
      pools: z.array(
        z.strictObject({ name: z.string(), strategy: z.string(), in_use: z.boolean(), request_classes: z.boolean() }),
      ),
      routes: z.array(
        z.strictObject({
          name: z.string(),
          targets: z.array(z.strictObject({ pool: z.string(), weight: z.number() })),
        }),
      ),
      servers: z.array(knownServer),
    })
    .meta({ id: "Topology" }),
);

/** The last hour from memory. */
export const liveRecent = describing<LiveRecent>()(
  z.strictObject({
    step_s: z.number(),
    at: z.array(z.number()).describe("end of each step, milliseconds since the epoch"),
    totals: trafficSeries.extend({ queued: series }),
    pools: z.record(z.string(), trafficSeries).describe("by name"),
    servers: z.record(z.string(), serverSeries).describe("by id"),
    topology,
  }),
);

/** What happened lately. */
export const timeline = describing<Timeline>()(
  z.strictObject({
    events: z.array(
      z
        .strictObject({
          id: z.string(),
          at: z.iso.datetime(),
          kind: z.string().describe(`one of ${EVENT_KINDS.join(", ")}`),
          pool: z.string().describe("empty = of the whole instance"),
          server: z.string().describe("host:port as configured; empty = of no server"),
          address: z.string(),
          actor: z.string(),
          message: z.string(),
          detail: z.unknown(),
        })
        .meta({ id: "TimelineEvent" }),
    ),
    last_id: z.string().describe("of the last event of all: Last-Event-ID of a stream that goes on from here"),
    forgotten: z.int().min(0).describe("so many older ones are not remembered"),
  }),
);

/** What `neurabalancer demo` does. */
export const demoState = describing<DemoState>()(
  z.strictObject({
    rate: z.number().describe("requests a second"),
    rates: z.array(z.number()).max(16).describe("what it may be set to"),
    servers: z
      .array(
        z.strictObject({
          name: z.string(),
          url: z.string(),
          condition: z.enum(["well", "slow", "frozen", "dead"]),
        }),
      )
      .max(64),
  }),
);
