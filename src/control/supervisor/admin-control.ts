/** What the admin API shows and changes of this instance. */
import { demoSocket } from "../../config/environment.ts";
import { toRecorderSettings } from "../../config/recorder-settings.ts";
import { readReadiness } from "../../shared/memory/readiness.ts";
import { Metrics } from "../../telemetry/metrics/metrics.ts";
import { ExpectationResponses } from "../admin/expectations/responses.ts";
import { HistoryResponses } from "../admin/history-responses.ts";
import { LearningResponses } from "../admin/learner-responses.ts";
import type { AdminControl } from "../admin/routes/routes.ts";
import { DemoRelay } from "../dashboard/demo-relay.ts";
import { certificatesControl } from "./acme/control.ts";
import type { InstanceParts } from "./parts.ts";
import { shownClasses } from "./shown-classes.ts";
import { describePools, describeStatus, metricsSource, type SupervisorView } from "./status.ts";
import { describeCluster } from "./views/cluster.ts";
import { describeRateLimits } from "./views/rate-limits.ts";

/** For the routes of admin/routes/. */
export function adminControl(view: SupervisorView, parts: InstanceParts): AdminControl {
  const demo = demoSocket();
  const metrics = new Metrics(metricsSource(view, parts.canaries));
  const store = () => toRecorderSettings(view.configuration.config)?.store ?? null;
  const learning = new LearningResponses({ ...view, fleet: view.fleets });
  return {
    fleet: view.fleets,
    readiness: () => readReadiness(view.memory, view.configuration.settings.pools),
    metrics: (format) => metrics.rendering(format),
    prometheusEnabled: () => view.configuration.config.app.prometheusEnabled,
    pools: () => describePools(view),
    classes: () => shownClasses({ ...view, routeName: (number) => view.topology().routeName(number) }),
    routes: () => view.configuration.settings.routes,
    rateLimits: () => view.configuration.settings.rateLimits,
    shownRateLimits: () => describeRateLimits(view),
    cluster: async () => describeCluster(view, await learning.training()),
    operations: view.operating.operations,
    canaries: parts.canaries,
    configuration: {
      reload: view.reload,
      validate: view.preview,
    },
    envContext: () => {
      const { pools } = view.configuration.config;
      const onlyDefault = pools.length === 1 && !view.configuration.effective.some(({ env }) => env === "pools");
      return { onlyDefault, servers: pools[0].servers.list.map(({ url }) => url) };
    },
    effective: () => view.configuration.effective,
    listedPools: () => view.configuration.config.pools.map(({ name, servers: { list } }) => ({ name, servers: list })),
    status: () => describeStatus(view),
    learning,
    history: new HistoryResponses({ questions: view.questions.history, store }),
    expectations: new ExpectationResponses({
      questions: view.questions.expectations,
      store,
      pools: () => view.configuration.settings.pools,
      nowMs: () => view.clock.nowMs(),
    }),
    live: parts.live,
    certificates: certificatesControl(view, parts.renewal),
    page: parts.page,
    support: parts.support,
    demo: demo === null ? null : new DemoRelay(demo),
    explain: parts.explain.responses,
    wallMs: () => view.clock.wallMs(),
    nowMs: () => view.clock.nowMs(),
  };
}
