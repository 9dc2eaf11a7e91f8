/** The routes of the admin API, by subject. To add one: its file here beside, and its group below. */
import type { ControlLog } from "../../log.ts";
import { type CertificatesControl, certificateRoutes } from "./certificates.ts";
import { type DemoControl, demoRoutes } from "./demo.ts";
import { type HealthControl, healthRoutes } from "./health.ts";
import { type HistoryControl, historyRoutes } from "./history.ts";
import { type LearningControl, learningRoutes } from "./learning.ts";
import { type LiveControl, liveRoutes } from "./live.ts";
import { type MetricsControl, metricsRoutes } from "./metrics.ts";
import { type PageControl, pageRoutes } from "./page.ts";
import { type PoolsControl, poolRoutes } from "./pools.ts";
import type { AdminRoute, RouteGroup } from "./route.ts";
import { type ServersControl, serverRoutes } from "./servers.ts";
import { type SettingsControl, settingRoutes } from "./settings.ts";
import { type StatusControl, statusRoutes } from "./status.ts";

/** What the API shows and changes: what its routes need. */
export type AdminControl = HealthControl &
  MetricsControl &
  ServersControl &
  PoolsControl &
  SettingsControl &
  StatusControl &
  LearningControl &
  HistoryControl &
  LiveControl &
  CertificatesControl &
  PageControl &
  DemoControl;

const GROUPS: readonly RouteGroup<AdminControl>[] = [
  healthRoutes,
  metricsRoutes,
  serverRoutes,
  poolRoutes,
  settingRoutes,
  statusRoutes,
  learningRoutes,
  historyRoutes,
  liveRoutes,
  certificateRoutes,
  pageRoutes,
  demoRoutes,
];

/** All routes, in the order in which they are documented. Of several that match, the first counts. */
export function adminRoutes(control: AdminControl, log: ControlLog): readonly AdminRoute[] {
  return GROUPS.flatMap((group) => group(control, log));
}
