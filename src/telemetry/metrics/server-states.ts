/** Metrics of what became of servers: their checks, ejections, states and share of the traffic; and of what pools have of them. */
import { CHECK_FAILURES, CHECK_SKIPS, EJECTION_CAUSES } from "../../shared/health-causes.ts";
import type { Labels, MetricDefinition, MetricGroup } from "./definition.ts";
import { labelOfPool } from "./pool-label.ts";
import type { MetricsSource, PoolServers, ServerFigures } from "./source.ts";

/** Written between two pauses. */
const SERVERS_AT_ONCE = 32;

type Definition = MetricDefinition<MetricsSource>;

/** Emits what `samples` finds of each server, which `emit` completes with the labels that say whose it is. */
function ofServers(
  definition: Omit<Definition, "perPool" | "collect">,
  samples: (server: ServerFigures, emit: (value: number, labels?: Labels) => void) => void,
): Definition {
  return {
    ...definition,
    perPool: true,
    *collect(source, emit) {
      const poolOf = labelOfPool(source);
      let shown = 0;
      for (const server of source.servers()) {
        const whose = { server_id: server.id, ...poolOf(server.pool) };
        samples(server, (value, labels) => emit(value, { ...whose, ...labels }));
        if (++shown % SERVERS_AT_ONCE === 0) yield;
      }
    },
  };
}

function ofPools(name: string, help: string, value: (pool: PoolServers) => number): Definition {
  return {
    name,
    type: "gauge",
    help,
    perPool: true,
    collect: (source, emit) => {
      const poolOf = labelOfPool(source);
      for (const pool of source.pools()) emit(value(pool), poolOf(pool.name));
    },
  };
}

const listed = (causes: readonly string[]): string => causes.map((cause) => `\`${cause}\``).join(", ");

/** What became of each server. */
export const serverStateMetrics: MetricGroup<MetricsSource> = {
  title: "What became of servers",
  doc: "Of each server since it came; one that has left the configuration and drained is told of no more. What happened to all servers that there ever were is in the totals below.",
  metrics: [
    ofServers(
      {
        name: "server_health_checks_total",
        type: "counter",
        help: `Health checks by \`result\` (\`success\`, \`failure\`, \`skipped\`: could not be made) and \`cause\`: of failures ${listed(CHECK_FAILURES)}; of skipped ones what this machine lacked, ${listed(CHECK_SKIPS)}; of successes empty. All but the usual causes are told from the first time on.`,
        labels: ["server_id", "result", "cause"],
      },
      ({ health_checks: { success, failure, skipped } }, emit) => {
        emit(success, { result: "success", cause: "" });
        for (const [cause, count] of Object.entries(failure)) emit(count, { result: "failure", cause });
        for (const [cause, count] of Object.entries(skipped)) emit(count, { result: "skipped", cause });
      },
    ),
    ofServers(
      {
        name: "server_ejections_total",
        type: "counter",
        help: `Ejections of a server whose answers failed or came too late, by \`cause\`: ${listed(EJECTION_CAUSES)} (the last two: it failed again as soon as it was back; most instances of the cluster have it out, and this one had not).`,
        labels: ["server_id", "cause"],
      },
      ({ ejections }, emit) => {
        for (const [cause, count] of Object.entries(ejections)) emit(count, { cause });
      },
    ),
    ofServers(
      {
        name: "server_state_seconds_total",
        type: "counter",
        help: "Time that a server has been in each state, seconds, the present one included; together as long as it is there. States are those of `server_state`, told once it was in them.",
        labels: ["server_id", "state"],
      },
      ({ state_seconds }, emit) => {
        for (const [state, seconds] of Object.entries(state_seconds)) emit(seconds, { state });
      },
    ),
    ofServers(
      {
        name: "server_traffic_share",
        type: "gauge",
        help: "The server's part of the attempts at all servers of its pool that ended in the last ten seconds, 0 to 1; compare it with its part of the weights. Nothing while the pool had none.",
        labels: ["server_id"],
      },
      ({ traffic_share }, emit) => {
        if (traffic_share !== null) emit(traffic_share);
      },
    ),
  ],
};

/** What pools have of servers. */
export const poolMetrics: MetricGroup<MetricsSource> = {
  title: "Pools",
  doc: "One value per pool of the configuration.",
  metrics: [
    ofPools("pool_servers", "Servers that are configured and have an address.", ({ total }) => total),
    ofPools(
      "pool_servers_healthy",
      "Servers that are up and have passed a health check; `/health/ready` goes by it.",
      ({ healthy }) => healthy,
    ),
    ofPools(
      "pool_servers_usable",
      "Servers that requests may be sent to: those that are up, backups and servers that no check has proven yet among them; in panic all that do not drain. At 0 requests get 503.",
      ({ usable }) => usable,
    ),
    ofPools(
      "pool_panic",
      "1 while too few servers are up (`PANIC_THRESHOLD_PERCENT`), so that all are used.",
      ({ panic }) => (panic ? 1 : 0),
    ),
  ],
};
