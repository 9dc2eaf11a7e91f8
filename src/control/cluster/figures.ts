/** What metrics say of the cluster. */
import type { ClusterFigures } from "../../telemetry/metrics/source.ts";
import type { Fleets } from "../fleet/fleets.ts";
import type { FleetServer } from "../fleet/server.ts";
import type { ChangeReplication } from "./changes/replication.ts";
import type { Cluster } from "./cluster.ts";

/** Where it is read. */
export interface Clustered {
  readonly cluster: Pick<Cluster, "cluster" | "configured" | "members" | "ageMs" | "figures" | "bytes">;
  readonly fleets: Pick<Fleets, "counters" | "present">;
  readonly operating: { readonly replication: Pick<ChangeReplication, "figures"> | null };
}

/** What metrics say of it; `null` = there is no Redis. */
export function clusterFigures({ cluster, fleets, operating }: Clustered): ClusterFigures | null {
  if (!cluster.configured) return null;
  const { members, ageMs, figures, bytes } = cluster;
  return {
    cluster: cluster.cluster,
    instances: Math.max(1, members.length),
    versions: Math.max(1, new Set(members.map(({ description }) => description.version)).size),
    numbersAgeMs: figures.rounds === 0 ? null : Math.max(0, ageMs),
    ...figures,
    bytes,
    changes: operating.replication?.figures ?? null,
    majorityEjections: fleets.counters().majorityEjections,
    majorityServers: [...fleets.present()].filter(isOutTogether).length,
  };
}

/** Out by what most instances say, and not by this one's own view. */
function isOutTogether({ majority, ownVerdict }: Pick<FleetServer, "majority" | "ownVerdict">): boolean {
  return majority.out && ownVerdict === "up";
}
