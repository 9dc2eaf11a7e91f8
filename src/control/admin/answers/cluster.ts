/** `GET /api/v1/cluster`. */
import { z } from "zod";
import { CLUSTER_SHARES } from "../../../config/values/cluster.ts";
import type { Frozen } from "./describing.ts";

const count = z.int().min(0);
const ms = z.number().min(0);

const clusterMember = z
  .strictObject({
    id: z.string().describe("of this run of the instance"),
    name: z.string().describe("INSTANCE_NAME, or its machine's name"),
    self: z.boolean().describe("the instance that answers"),
    version: z.string(),
    since: z.iso.datetime().describe("when it was started, by its own clock"),
    age_ms: ms.describe("since it was heard of, by the clock of Redis"),
    servers: count.nullable().describe("of its configuration; null, as in what follows = it does not say"),
    down: count.nullable().describe("of these, by its health checks"),
    ejected: count.nullable().describe("of the others, by their responses"),
    in_flight: count.nullable().describe("its own requests at servers"),
    requests_per_second: z.number().min(0).nullable().describe("at servers, over the last ten seconds"),
  })
  .meta({ id: "ClusterMember" });

const training = z
  .strictObject({
    pool: z.string(),
    leading: z.boolean().describe("this instance trains for all"),
    leader: z
      .strictObject({ id: z.string(), name: z.string(), since: z.iso.datetime() })
      .nullable()
      .describe("who trains; null = nobody at present, or that was not heard yet"),
    follows: z.boolean().describe("the model that the cluster shares routes here"),
    problem: z.string().nullable().describe("why it does not"),
  })
  .meta({ id: "ClusterTraining" });

/** The cluster as an instance knows it. */
export const clusterView = z.strictObject({
  cluster: z.string().describe("CLUSTER_NAME"),
  id: z.string().describe("of this run of this instance"),
  redis: z.strictObject({
    state: z.enum(["off", "up", "away"]).describe("off = none is configured: this instance is whole by itself"),
    reason: z.string().nullable().describe("why it is away"),
  }),
  shares: z.array(z.enum(CLUSTER_SHARES)).describe("what this instance shares; empty without Redis"),
  instances: count.describe("that are there, this one included; 1 while it is alone"),
  numbers_age_ms: ms.nullable().describe("since the others' numbers were heard; null = they were not"),
  rounds: z
    .strictObject({
      ok: count.describe("since the start"),
      failed: count,
      last_ms: ms.nullable().describe("how long the last good one took"),
      sent_bytes: count.describe("since the start, as the next; without those of the protocol"),
      received_bytes: count,
      refused_shares: count.describe("of other instances: they were none that an instance of ours writes"),
    })
    .nullable()
    .describe("of the exchange with Redis; null without Redis"),
  majority_ejections: count.describe("servers taken out here because most instances had them out, since the start"),
  training: z
    .array(training)
    .nullable()
    .describe("of pools whose model is shared; null = the learner does not answer at the moment"),
  members: z.array(clusterMember).describe("by name; while Redis is away, or there is none, this instance alone"),
});

/** As it is shown. */
export type ShownCluster = Frozen<z.infer<typeof clusterView>>;
/** Who trains the model of a pool. */
export type ShownTraining = NonNullable<ShownCluster["training"]>[number];
/** One of its instances. */
export type ShownMember = ShownCluster["members"][number];
