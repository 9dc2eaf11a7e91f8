/** The routes of the admin API, by subject. To add one: its file here beside, and its group below. */
import type { ControlLog } from "../../log.ts";
import { type CanariesControl, canaryRoutes } from "./canaries.ts";
import { type CertificatesControl, certificateRoutes } from "./certificates.ts";
import { type ClusterControl, clusterRoutes } from "./cluster.ts";
import { type ConfigurationControl, configurationRoutes } from "./configuration.ts";
import { type DemoControl, demoRoutes } from "./demo.ts";
import { type ExpectationsControl, expectationRoutes } from "./expectations.ts";
import { type ExplainControl, explainRoutes } from "./explain.ts";
import { type HealthControl, healthRoutes } from "./health.ts";
import { type HistoryControl, historyRoutes } from "./history.ts";
import { type LearningControl, learningRoutes } from "./learning.ts";
import { type LiveControl, liveRoutes } from "./live.ts";
import { type MetricsControl, metricsRoutes } from "./metrics.ts";
import { openApiRoute } from "./openapi.ts";
import { type OverridesControl, overrideRoutes } from "./overrides.ts";
import { type PageControl, pageRoutes } from "./page.ts";
import { type PoolsControl, poolRoutes } from "./pools.ts";
import { type RateLimitsControl, rateLimitRoutes } from "./rate-limits.ts";
import type { AdminRoute, RouteGroup } from "./route.ts";
import { type ServersControl, serverRoutes } from "./servers.ts";
import { type SettingsControl, settingRoutes } from "./settings.ts";
import { type StatusControl, statusRoutes } from "./status.ts";
import { type SupportControl, supportRoutes } from "./support.ts";

/** What the API shows and changes: what its routes need. */
export type AdminControl = HealthControl &
  MetricsControl &
  ServersControl &
  PoolsControl &
  CanariesControl &
  RateLimitsControl &
  ClusterControl &
  SettingsControl &
  ConfigurationControl &
  OverridesControl &
  StatusControl &
  LearningControl &
  ExplainControl &
  HistoryControl &
  ExpectationsControl &
  LiveControl &
  CertificatesControl &
  PageControl &
  SupportControl &
  DemoControl;

const GROUPS: readonly RouteGroup<AdminControl>[] = [
  healthRoutes,
  metricsRoutes,
  serverRoutes,
  poolRoutes,
  canaryRoutes,
  rateLimitRoutes,
  clusterRoutes,
  settingRoutes,
  configurationRoutes,
  overrideRoutes,
  statusRoutes,
  learningRoutes,
  explainRoutes,
  historyRoutes,
  expectationRoutes,
  liveRoutes,
  certificateRoutes,
  pageRoutes,
  supportRoutes,
  demoRoutes,
];

/** All routes, in the order in which they are documented. Of several that match, the first counts. */
export function adminRoutes(control: AdminControl, log: ControlLog): readonly AdminRoute[] {
  const routes: AdminRoute[] = GROUPS.flatMap((group) => group(control, log));
  routes.push(openApiRoute(() => routes));
  return routes;
}
