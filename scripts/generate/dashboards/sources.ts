/** The data sources that dashboards ask: variables, so that they can be imported where there are others. */
import type { DataSource } from "./model.ts";

/** Uids of what `configs/grafana/provisioning/datasources/` provides: what the variables begin with. */
export const PROVISIONED = {
  prometheus: "neurabalancer-prometheus",
  loki: "neurabalancer-loki",
  tempo: "neurabalancer-tempo",
} as const;

export const PROMETHEUS: DataSource = { type: "prometheus", uid: `\${prometheus}` };
export const LOKI: DataSource = { type: "loki", uid: `\${loki}` };
export const TEMPO: DataSource = { type: "tempo", uid: `\${tempo}` };
