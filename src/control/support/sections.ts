/** What a support bundle asks the instance: paths of its own API, each a file. */

/** One question. */
export interface Section {
  /** Of the file. */
  readonly name: string;
  readonly path: string;
  /** What it has, for README.txt. */
  readonly doc: string;
}

/** In the order of README.txt. What this instance does not have is told as missing, with the reason. */
export const SECTIONS: readonly Section[] = [
  { name: "status.json", path: "/api/v1/status", doc: "version, workers, degraded modes, certificates, settings" },
  { name: "servers.json", path: "/api/v1/servers", doc: "each server with its state, its reason and its figures" },
  {
    name: "pools.json",
    path: "/api/v1/pools",
    doc: "each pool with its strategy, and how many of its servers are well",
  },
  { name: "routes.json", path: "/api/v1/routes", doc: "what each route matches, and where it leads" },
  { name: "cluster.json", path: "/api/v1/cluster", doc: "the instances that share what they know, and how that goes" },
  { name: "canaries.json", path: "/api/v1/canaries", doc: "pools under trial, with the evidence" },
  {
    name: "settings.json",
    path: "/api/v1/settings",
    doc: "each setting: what is in force, what is configured, and where it comes from",
  },
  { name: "overrides.json", path: "/api/v1/overrides", doc: "what operators have changed, and what was configured" },
  { name: "audit.json", path: "/api/v1/audit?limit=200", doc: "who changed what, and why" },
  { name: "timeline.json", path: "/api/v1/timeline?limit=2000", doc: "what happened lately, with the causes" },
  { name: "recent.json", path: "/api/v1/live/recent", doc: "traffic of the last hour, a point each five seconds" },
  { name: "errors.json", path: "/api/v1/errors?limit=200", doc: "recent errors and refusals" },
  {
    name: "failed-requests.json",
    path: "/api/v1/requests?reason=failed&limit=200",
    doc: "recent requests that failed",
  },
  { name: "slow-requests.json", path: "/api/v1/requests?reason=slow&limit=200", doc: "recent requests that were slow" },
  { name: "ml.json", path: "/api/v1/ml", doc: "what learned balancing knows and does" },
  { name: "ml-models.json", path: "/api/v1/ml/models?limit=20", doc: "models that were learned" },
  { name: "ml-verdicts.json", path: "/api/v1/ml/verdicts?limit=100", doc: "what was decided about models" },
  { name: "events.json", path: "/api/v1/events?since=1d&limit=500", doc: "events of the last day, from the store" },
  { name: "metrics.txt", path: "/metrics", doc: "all metrics" },
];

/** Slow and failed requests whose explanations are added. */
export const EXPLAINED = 10;
