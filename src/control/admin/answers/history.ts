/** `GET /api/v1/stats…` and `GET /api/v1/events`: what a process of its own answers from the store. */
import { z } from "zod";
import type { Answer } from "../../../history/answer.ts";
import { EVENT_KINDS, REQUEST_REASONS } from "../../../storage/history-store.ts";
import { describing } from "./describing.ts";

type AnswerTo<Subject> = Extract<Answer, { readonly subject: Subject }>;

/** What was asked, as it was understood. */
const scope = {
  since: z.iso.datetime(),
  until: z.iso.datetime(),
  instance: z.string().optional(),
  pool: z.string().optional(),
  server: z.string().optional(),
  route: z.string().optional(),
};
const notes = z.array(z.string()).describe("what of the answer is not as it was asked, and why");
const name = z.string().nullable();
const count = z.int().min(0);
const figure = z.number().min(0).nullable();
const share = z.number().min(0).max(1);

const figuresShape = {
  requests: count,
  requests_per_second: figure,
  share: share.nullable().describe("of all requests of the same time"),
  errors: count.describe("answered with 5xx, or failed by the balancer's or the server's fault"),
  error_share: share.nullable(),
  client_errors: count.describe("answered with 4xx, and clients that left"),
  retries: count,
  waited: count.describe("requests that waited in the queue"),
  wait_mean_ms: figure,
  mean_ms: figure,
  p50_ms: figure,
  p95_ms: figure,
  p99_ms: figure,
  response_bytes: count,
};
const figures = describing<AnswerTo<"traffic">["total"]>()(z.strictObject(figuresShape).meta({ id: "TrafficFigures" }));

const row = describing<AnswerTo<"traffic">["rows"][number]>()(
  z
    .strictObject({
      ...figuresShape,
      at: z.iso.datetime().optional().describe("beginning of its step"),
      pool: name.optional(),
      server: name.optional(),
      address: name.optional(),
      route: name.optional(),
      status: name.optional(),
    })
    .meta({ id: "TrafficRow" }),
);

/** `GET /api/v1/stats`. */
export const trafficAnswer = describing<AnswerTo<"traffic">>()(
  z.strictObject({
    subject: z.literal("traffic"),
    ...scope,
    by: z.enum(["minute", "hour", "day"]).nullable(),
    group: z.array(z.enum(["pool", "server", "address", "route", "status"])),
    total: figures,
    rows: z.array(row),
    notes,
  }),
);

const event = describing<AnswerTo<"events">["events"][number]>()(
  z
    .strictObject({
      at: z.iso.datetime(),
      kind: z.enum(EVENT_KINDS),
      pool: name,
      server: name,
      address: name,
      actor: z.string(),
      message: z.string(),
      detail: z.unknown(),
      instance: z.string(),
    })
    .meta({ id: "RecordedEvent" }),
);

/** `GET /api/v1/events`. */
export const eventsAnswer = describing<AnswerTo<"events">>()(
  z.strictObject({ subject: z.literal("events"), ...scope, events: z.array(event), notes }),
);

const request = describing<AnswerTo<"requests">["requests"][number]>()(
  z
    .strictObject({
      at: z.iso.datetime(),
      pool: z.string(),
      route: z.string(),
      server: name,
      address: name,
      method: z.string(),
      path: z.string(),
      status: z.int().min(0),
      error: name,
      duration_ms: z.number().min(0),
      wait_ms: z.number().min(0),
      head_ms: figure,
      attempts: count,
      in_flight: count.nullable(),
      response_bytes: count,
      request_id: z.string(),
      client: z.string(),
      reason: z.enum(REQUEST_REASONS),
      weight: z.number().min(0).describe("how many requests it stands for"),
    })
    .meta({ id: "RecordedRequest" }),
);

/** `GET /api/v1/stats/requests`. */
export const requestsAnswer = describing<AnswerTo<"requests">>()(
  z.strictObject({
    subject: z.literal("requests"),
    ...scope,
    order: z.enum(["newest", "oldest", "slowest"]),
    found: count,
    found_weight: z.number().min(0).describe("how many requests those stand for"),
    requests: z.array(request),
    notes,
  }),
);

const serverTime = describing<AnswerTo<"servers">["servers"][number]>()(
  z
    .strictObject({
      pool: z.string(),
      server: z.string(),
      address: name,
      state: z.string().describe("the last one known of that time"),
      state_at: z.iso.datetime(),
      shares: z.record(z.string(), share).describe("of the known time, by state"),
      known_seconds: z.number().min(0),
      changes: count,
      ejections: count,
      weight: z.number(),
      in_flight: z.number(),
      cpu_percent: figure,
      memory_percent: figure,
      weight_override: z.number().nullable().describe("set in the store, for all instances"),
      capacity_override: z.number().nullable(),
      first_seen: z.iso.datetime().nullable(),
      removed_at: z.iso.datetime().nullable(),
    })
    .meta({ id: "ServerTime" }),
);

/** `GET /api/v1/stats/servers`. */
export const serversAnswer = describing<AnswerTo<"servers">>()(
  z.strictObject({ subject: z.literal("servers"), ...scope, servers: z.array(serverTime), notes }),
);

const finding = describing<AnswerTo<"incident">["findings"][number]>()(
  z
    .strictObject({
      about: z.enum(["all", "server", "route"]),
      pool: name,
      name,
      figure: z.enum(["error_share", "p50_ms", "p99_ms", "share", "requests_per_second", "wait_mean_ms"]),
      before: z.number(),
      during: z.number(),
    })
    .meta({ id: "Finding" }),
);

/** `GET /api/v1/stats/incident`. */
export const incidentAnswer = describing<AnswerTo<"incident">>()(
  z.strictObject({
    subject: z.literal("incident"),
    ...scope,
    before_since: z.iso.datetime(),
    findings: z.array(finding).describe("the greatest first"),
    events: z.array(event),
    notes,
  }),
);
