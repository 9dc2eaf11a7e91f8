/** Grafana's dashboards as files. */
import { learning } from "./boards/learning.ts";
import { operations } from "./boards/operations.ts";
import { overview } from "./boards/overview.ts";
import { servers } from "./boards/servers.ts";
import type { Dashboard } from "./model.ts";

/** All there are, in the order in which they are looked at. */
export function dashboards(): Dashboard[] {
  return [overview(), servers(), learning(), operations()];
}

/** From the project's root: one file for each, named by what is behind `neurabalancer-` in its uid. */
export function dashboardFiles(): { readonly path: string; readonly content: string }[] {
  return dashboards().map((dashboard) => ({
    path: `configs/grafana/dashboards/${dashboard.uid.replace("neurabalancer-", "")}.json`,
    content: `${JSON.stringify(dashboard, null, 2)}\n`,
  }));
}
