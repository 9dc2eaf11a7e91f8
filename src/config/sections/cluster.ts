/** Settings of instances that work as one. */
import { setting } from "../setting.ts";
import { clusterName, clusterShare } from "../values/cluster.ts";

/** Who belongs together, and what they share. */
export const cluster = {
  title: "Cluster",
  doc: "Instances with the same Redis and the same name know of each other and share what they know (docs/cluster.md). Without Redis each is alone.",
  settings: {
    name: setting({
      env: "CLUSTER_NAME",
      type: clusterName,
      default: "default",
      doc: "Instances that balance over the same servers have the same name; others on the same Redis have another one.",
      restart: true,
    }),
    share: setting({
      env: "CLUSTER_SHARE",
      type: clusterShare,
      default: "in_flight,health,learned,model,changes",
      doc: "What this instance shares, comma-separated: `in_flight`, `health`, `learned`, `model`, `changes`; `none` only says that it is there.",
      restart: true,
    }),
  },
};
