/** `GET /api/v1/servers…`. */
import { z } from "zod";
import type { ClusterVotes, ServerStatus } from "../../fleet/status.ts";
import type { WithdrawalView } from "../../fleet/withdrawal.ts";
import { describing } from "./describing.ts";

const count = z.int().min(0);
const counts = z.record(z.string(), count);
const percent = z.number().min(0).nullable();
const share = z.number().min(0).max(1);
const origin = z.enum(["configuration", "admin API", "store"]);
const ms = z.number().min(0);

const maintenance = describing<WithdrawalView>()(
  z.strictObject({ reason: z.string(), since: z.iso.datetime(), until: z.iso.datetime().nullable(), by: z.string() }),
);

const cluster = describing<ClusterVotes>()(
  z.strictObject({
    own: z.enum(["up", "down", "ejected"]).describe("what this instance makes of it by itself"),
    instances: count.describe("that have it in their configuration, this one included"),
    down: count.describe("of these, by their health checks"),
    ejected: count.describe("of the others, by its responses"),
    majority: z.boolean().describe("enough of them have it out for all to leave it out"),
  }),
);

const serverShape = {
  id: z.int().describe("of this run"),
  pool: z.string(),
  zone: z.string().nullable(),
  backup: z.boolean(),
  url: z.string(),
  address: z.string().describe("behind a name in the URL"),
  port: z.int(),
  state: z.enum(["up", "down", "draining", "maintenance", "ejected", "starting", "standby"]),
  reason: z.string().describe("why it is in this state"),
  state_reason: z.string().describe("the same"),
  since: z.iso.datetime().describe("when the state last changed"),
  cluster: cluster
    .nullable()
    .describe("what instances of the cluster make of it; null = nothing fresh is known of others"),
  alive: z.boolean().describe("takes new requests, or would when the others failed"),
  removed: z.boolean().describe("it has left the configuration, and finishes what it has"),
  maintenance: maintenance.nullable().describe("that an operator has taken it out; null = nobody has"),
  weight: z.number(),
  configured_weight: z.number(),
  weight_origin: origin,
  effective_weight: z.number().describe("after slow start"),
  capacity: z.number(),
  configured_capacity: z.number(),
  configured_hard_limit: count.describe("as the configuration has it; 0 = not enforced"),
  capacity_origin: origin,
  hard_limit: count.describe("most requests in flight; 0 = not enforced"),
  concurrency_limit: count
    .min(1)
    .nullable()
    .describe("requests that it works on at once, as was learned; null = no such limit is in force"),
  concurrency_limit_sources: count.describe(
    "instances that have learned something of that, this one included ([cluster](cluster.md#what-is-learned)); 0 = no such limit",
  ),
  active_connections: count.describe("requests in flight, of this instance"),
  peer_connections: count.describe(
    "requests in flight that it counts with the other instances of its cluster; they are a moment old",
  ),
  cpu_usage: percent,
  memory_usage: percent,
  error_rate: share.describe("over the last ten seconds"),
  response_ms: z.strictObject({ p50: ms, p90: ms, p95: ms, p99: ms }).nullable().describe("over the last minute"),
  traffic_share: share.nullable().describe("of the attempts at the pool's servers, over the last ten seconds"),
  requests: count.describe("since it came, as the next four"),
  failures: count,
  health_checks: z.strictObject({ success: count, failure: counts, skipped: counts }),
  ejections: counts,
  state_seconds: z.record(z.string(), z.number().min(0)),
};

/** A single server: a change adds to it. */
export const serverView = describing<ServerStatus>()(z.strictObject(serverShape));

/** One of several. */
export const listedServer = serverView.meta({ id: "Server" });
