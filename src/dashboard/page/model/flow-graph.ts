/** The graph behind the picture of how traffic flows, from one frame. */
import type { LiveFrame } from "../../../shared/live/frame.ts";
import type { FlowEdge, FlowGraph, FlowNode } from "./flow-layout.ts";
import type { ServerRow } from "./server-list.ts";

/** Clients, routes (where there are several), pools, servers. */
export function flowGraph(frame: LiveFrame, servers: readonly ServerRow[], instance: string): FlowGraph {
  const several = frame.routes.length > 1;
  const clients: FlowNode = { key: "clients", label: "clients", rate: frame.totals.rps, tone: "ok", href: null };
  const routes = several
    ? frame.routes.map(
        (route): FlowNode => ({ ...node(`route:${route.name}`, route.name, route.rps), href: "#/routes" }),
      )
    : [node("route:", instance, frame.totals.rps)];
  const keyOfRoute = (name: string) => (several ? `route:${name}` : "route:");
  const pools = frame.pools
    .filter((pool) => pool.rps > 0 || frame.pools.length <= 8)
    .map(
      (pool): FlowNode => ({
        ...node(`pool:${pool.name}`, pool.name, pool.rps),
        tone: pool.usable === 0 || pool.panic ? "bad" : "ok",
        href: "#/routes",
      }),
    );
  const own = frame.flows.filter(({ pool, rps }) => pool === "" && rps > 0).reduce((sum, { rps }) => sum + rps, 0);
  if (own > 0) pools.push({ ...node("pool:", "answered here", own), tone: "idle" });
  const edges: FlowEdge[] = [
    ...routes.map(({ key, rate }) => ({ from: "clients", to: key, rate })),
    ...frame.flows.map(({ route, pool, rps }) => ({ from: keyOfRoute(route), to: `pool:${pool}`, rate: rps })),
    ...servers.map(({ id, pool, rps }) => ({ from: `pool:${pool}`, to: `server:${id}`, rate: rps })),
  ];
  const last = servers.map(
    (server): FlowNode => ({
      ...node(`server:${server.id}`, server.name, server.rps),
      tone: server.state === "down" || server.state === "ejected" ? "bad" : server.state === "up" ? "ok" : "idle",
      href: `#/servers/${server.id}`,
    }),
  );
  return { columns: [[clients], routes, pools, last].filter((column) => column.length > 0), edges };
}

function node(key: string, label: string, rate: number): FlowNode {
  return { key, label, rate, tone: "ok", href: null };
}
