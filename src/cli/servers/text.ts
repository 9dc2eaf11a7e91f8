/** How `neurabalancer servers` speaks to people. */
import { columns } from "../columns.ts";
import type { ListedServer } from "./find.ts";

/** Servers as a table: the limit beside what is in flight is the learned one, with the number of instances that learned it. */
export function serverTable(servers: readonly ListedServer[]): string {
  if (servers.length === 0) return "There is no server.";
  const pooled = new Set(servers.map(({ pool }) => pool)).size > 1;
  const rows = servers.map((server) => [
    String(server.id),
    ...(pooled ? [server.pool] : []),
    server.url.includes(server.address) ? server.url : `${server.url} (${server.address})`,
    server.state + (server.backup ? " (backup)" : ""),
    numberText(server.weight) + (server.weight === server.configured_weight ? "" : "*"),
    String(server.active_connections),
    limitText(server),
    server.hard_limit === 0 ? "-" : String(server.hard_limit),
    server.traffic_share === null ? "-" : `${(server.traffic_share * 100).toFixed(1)} %`,
    server.response_ms === null ? "-" : `${server.response_ms.p99} ms`,
    server.state_reason,
  ]);
  const heads = [
    "ID",
    ...(pooled ? ["POOL"] : []),
    "SERVER",
    "STATE",
    "WEIGHT",
    "IN FLIGHT",
    "LIMIT",
    "HARD LIMIT",
    "SHARE",
    "P99",
    "WHY",
  ];
  const table = columns([heads, ...rows]);
  const differs = servers.some(({ weight, configured_weight }) => weight !== configured_weight);
  return differs ? `${table}\n\n* not the configured weight: neurabalancer overrides list says who set it` : table;
}

/** "4 (3)" = learned by three instances. */
function limitText({ concurrency_limit: limit, concurrency_limit_sources: sources }: ListedServer): string {
  if (limit === null) return "-";
  return sources > 1 ? `${limit} (${sources})` : String(limit);
}

function numberText(value: number): string {
  return String(Number(value.toPrecision(6)));
}
