/** The graph behind the picture of how traffic flows, from one frame. */
import type { LiveFrame } from "../../../shared/live/frame.ts";
import type { FlowEdge, FlowGraph, FlowNode } from "./flow-layout.ts";
import type { ServerRow } from "./server-list.ts";

/** More are not told apart: pools with many servers are shown as one group each, in the same place from second to second. */
const MOST_SERVERS = 12;

/** Clients, routes (where there are several), pools, servers. @param narrow leaves the clients out: everything comes from them. */
export function flowGraph(
  frame: LiveFrame,
  servers: readonly ServerRow[],
  instance: string,
  narrow = false,
): FlowGraph {
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
  const last = serverNodes(servers);
  const edges: FlowEdge[] = [
    ...(narrow ? [] : routes.map(({ key, rate }) => ({ from: "clients", to: key, rate }))),
    ...frame.flows.map(({ route, pool, rps }) => ({ from: keyOfRoute(route), to: `pool:${pool}`, rate: rps })),
    ...last.map(({ pool, node: { key, rate } }) => ({ from: `pool:${pool}`, to: key, rate })),
  ];
  return {
    columns: [narrow ? [] : [clients], routes, pools, last.map(({ node }) => node)].filter(
      (column) => column.length > 0,
    ),
    edges,
  };
}

/** The servers, or where they are many one group for each pool. */
function serverNodes(servers: readonly ServerRow[]): { readonly pool: string; readonly node: FlowNode }[] {
  if (servers.length <= MOST_SERVERS) return servers.map((server) => ({ pool: server.pool, node: serverNode(server) }));
  return [...Map.groupBy(servers, ({ pool }) => pool)].flatMap(([pool, group]) => {
    if (group.length === 1) return [{ pool, node: serverNode(group[0]) }];
    const rate = group.reduce((sum, { rps }) => sum + rps, 0);
    const out = group.filter(isIll).length;
    const label = `${group.length} servers${out === 0 ? "" : `, ${out} down`}`;
    const tone = out === group.length ? "bad" : "ok";
    return [{ pool, node: { key: `servers:${pool}`, label, rate, tone, href: null } as FlowNode }];
  });
}

function serverNode(server: ServerRow): FlowNode {
  const tone = isIll(server) ? "bad" : server.state === "up" ? "ok" : "idle";
  return { ...node(`server:${server.id}`, server.name, server.rps), tone, href: `#/servers/${server.id}` };
}

function isIll({ state }: ServerRow): boolean {
  return state === "down" || state === "ejected";
}

function node(key: string, label: string, rate: number): FlowNode {
  return { key, label, rate, tone: "ok", href: null };
}
