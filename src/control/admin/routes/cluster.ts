/** `/api/v1/cluster`: the instances that share what they know. */
import { clusterView, type ShownCluster } from "../answers/cluster.ts";
import { json } from "../responses.ts";
import { operation, type RouteGroup } from "./route.ts";

/** What this route shows. */
export interface ClusterControl {
  /** As it is now. */
  cluster(): Promise<ShownCluster>;
}

/** It is the operator's. */
export const clusterRoutes: RouteGroup<ClusterControl> = (control) => [
  {
    path: "/api/v1/cluster",
    audience: "operator",
    methods: {
      GET: operation({
        scope: "read",
        response: clusterView,
        doc: "the instances that share what they know over Redis: who is there, since when, how old what they say is, what they make of their servers; who trains; what is shared, and how the exchange with Redis goes ([cluster.md](cluster.md)). Also without Redis: this instance alone",
        handle: async () => json(await control.cluster()),
      }),
    },
  },
];
