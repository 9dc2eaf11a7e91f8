/** What `neurabalancer route` found out, for people. */
import type { HeaderEdits, PathMatch, PathRewrite } from "../../protocol/route.ts";
import { visible } from "../../shared/visible-text.ts";
import type { HeldValue, ReportedCandidate, RouteReport } from "./report.ts";

/** Several lines, without the end of the last one. */
export function routeText(report: RouteReport): string {
  const { request, outcome } = report;
  const scheme = request.tls ? "https" : "http";
  const isPath = request.target.startsWith("/");
  const url = isPath && request.host !== "" ? `${scheme}://${request.host}${request.target}` : request.target;
  const out = [`${request.method} ${url}`];
  if (report.normal_path !== "" && report.normal_path !== request.target.split("?", 1)[0]) {
    out.push(`  is matched as ${report.normal_path}`);
  }
  out.push("");
  if (outcome === "balancer") out.push(`Answered by the balancer itself: ${report.route} is one of its own paths.`);
  else if (outcome === "none") out.push("No route takes it: the balancer answers 404 (no_route).");
  else if (outcome === "ambiguous") out.push(...ambiguity(report));
  else out.push(...taken(report));
  const rest = report.considered.filter(({ verdict }) => verdict !== "taken");
  if (rest.length > 0) out.push("", "Passed over:", ...table(rest.map((one) => [one.route, whyNot(one)])));
  return out.map(visible).join("\n");
}

function ambiguity({ readings, refusal }: RouteReport): string[] {
  const out = ["Servers may read its path in different ways: the balancer answers 400 (ambiguous_path)."];
  if (refusal !== null) out.push(`  ${refusal}`);
  for (const { path, because, route } of readings) {
    const how = because.length === 0 ? "in normal form" : because.join(", ");
    out.push(`  ${path} would be ${route === null ? "no route's" : `the route ${route}'s`} (${how})`);
  }
  const first = readings[0]?.route;
  if (first !== undefined && first !== null) {
    out.push(`  ambiguous_paths: allow at the route ${first} would let it pass there.`);
  }
  return out;
}

function taken(report: RouteReport): string[] {
  const { considered, action, pools, rewrite, said } = report;
  const winner = considered.find(({ verdict }) => verdict === "taken");
  const rows = [["Route", report.route ?? ""]];
  if (winner !== undefined) rows.push(["because", why(winner, said, report.request.method)]);
  if (report.https_redirect) rows.push(["redirect", "to https: it comes in clear, and nothing else is done"]);
  if (action !== null) rows.push(["action", actionText(action, pools)]);
  if (rewrite?.path != null) rows.push(["rewrite", rewriteText(rewrite.path)]);
  if (rewrite?.host != null) rows.push(["", `Host becomes ${rewrite.host}`]);
  rows.push(...edits("request", report.request_headers), ...edits("response", report.response_headers));
  const out = table(rows, "");
  if (said.length > 0) out.push("", "The route says:", ...values(said));
  for (const { name, settings } of pools) out.push("", `What holds for the pool ${name}:`, ...values(settings));
  return out;
}

function why({ host, path }: ReportedCandidate, said: readonly HeldValue[], method: string): string {
  const parts = [host === null ? "every host" : `the host is ${host}`, path === null ? "every path" : pathText(path)];
  if (said.some(({ name }) => name.startsWith("methods"))) parts.push(`the method is ${method}`);
  for (const { name, value } of said) {
    const field = name.startsWith("headers.") ? name.slice("headers.".length) : null;
    if (field !== null) parts.push(`the field ${field} is ${value === "*" ? "there" : value}`);
  }
  return parts.join(", ");
}

function pathText({ kind, value }: PathMatch): string {
  if (kind === "exact") return `the path is ${value}`;
  return value === "/" ? "every path" : `the path begins with ${value}`;
}

function whyNot({ verdict, host, path, field }: ReportedCandidate): string {
  switch (verdict) {
    case "host":
      return "the host is another";
    case "path":
      return "the path is another";
    case "method":
      return "host and path fit, the method does not";
    case "field":
      return `host, path and method fit, the field ${field} does not`;
    default: {
      const by = [host ?? "every host", path === null ? "every path" : pathText(path)];
      return `fits (${by.join(", ")}), but the other comes first`;
    }
  }
}

function actionText(action: NonNullable<RouteReport["action"]>, pools: RouteReport["pools"]): string {
  switch (action.kind) {
    case "forward": {
      if (pools.length === 1) return `to the pool ${pools[0].name}`;
      const shares = pools.map(({ name, share }) => `${name} (${Math.round(share * 100) / 100} %)`).join(", ");
      const how = action.split_by === null ? "each request by itself" : `by ${action.split_by}`;
      return `to one of the pools ${shares}, ${how}`;
    }
    case "redirect": {
      const parts = [
        action.scheme === null ? "" : `scheme ${action.scheme}`,
        action.host === null ? "" : `host ${action.host}`,
        action.port === null ? "" : `port ${action.port}`,
        action.path === null ? "" : rewriteText(action.path),
      ];
      return `a redirect, ${action.status}: ${parts.filter((part) => part !== "").join(", ")}`;
    }
    case "respond":
      return `a fixed response, ${action.status}`;
  }
}

function rewriteText({ kind, value }: PathRewrite): string {
  return kind === "full" ? `the path becomes ${value}` : `what the route's path matched becomes ${value}`;
}

function edits(of: string, header: HeaderEdits | null): string[][] {
  if (header === null) return [];
  const lines = [
    ...header.remove.map((name) => `without ${name}`),
    ...header.set.map(({ name, value }) => `${name}: ${value}`),
    ...header.add.map(({ name, value }) => `and ${name}: ${value}`),
  ];
  return lines.map((line, index) => [index === 0 ? `${of} header` : "", line]);
}

function values(held: readonly HeldValue[]): string[] {
  return table(
    held.map(({ name, value, written, origin }) => {
      const shown = value === null ? "(unset)" : written === undefined ? value : `${value} (${written})`;
      return [name, shown, origin];
    }),
  );
}

function table(rows: readonly (readonly string[])[], indent = "  "): string[] {
  const widths = rows.reduce<number[]>((most, row) => row.map((cell, i) => Math.max(most[i] ?? 0, cell.length)), []);
  return rows.map((row) => (indent + row.map((cell, i) => cell.padEnd(widths[i])).join("  ")).trimEnd());
}
