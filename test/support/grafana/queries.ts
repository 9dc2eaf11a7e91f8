/** What the dashboards ask, one query at a time. */
import { dashboards } from "../../../scripts/generate/dashboards/dashboards.ts";
import type { Dashboard, Panel, Row, Target } from "../../../scripts/generate/dashboards/model.ts";

/** A query, and where it is asked. */
export interface Asked {
  readonly where: string;
  readonly language: "promql" | "logql" | "traceql";
  /** With the dashboard's variables. */
  readonly text: string;
}

const LANGUAGES = { prometheus: "promql", loki: "logql", tempo: "traceql" } as const;

/** All panels of a dashboard, those of collapsed rows too. */
export function panelsOf({ panels }: Dashboard): Panel[] {
  return panels.flatMap((panel: Panel | Row) => (panel.type === "row" ? panel.panels : [panel]));
}

/** Every query of every panel and every mark. */
export function allQueries(): Asked[] {
  return dashboards().flatMap((dashboard) => [
    ...panelsOf(dashboard).flatMap(({ title, targets }) =>
      targets.map((target) => askedBy(`${dashboard.title}: ${title}, ${target.refId}`, target)),
    ),
    ...dashboard.annotations.list.map(({ name, expr }) => ({
      where: `${dashboard.title}: mark ${name}`,
      language: "promql" as const,
      text: expr,
    })),
    ...linkedQueries(dashboard),
  ]);
}

function askedBy(where: string, { datasource, expr, query }: Target): Asked {
  return { where, language: LANGUAGES[datasource.type], text: expr ?? query ?? "" };
}

/** What links to Explore ask there. */
function linkedQueries(dashboard: Dashboard): Asked[] {
  return panelsOf(dashboard).flatMap(({ title, links = [] }) =>
    links.flatMap(({ title: link, url = "" }) => {
      const panes = new URL(url, "http://grafana").searchParams.get("panes");
      if (panes === null) return [];
      const { datasource, queries } = JSON.parse(panes).a as {
        datasource: string;
        queries: { expr?: string; query?: string }[];
      };
      const language = datasource.includes("loki") ? ("logql" as const) : ("traceql" as const);
      return queries.map(({ expr, query }) => ({
        where: `${dashboard.title}: ${title}, link ${link}`,
        language,
        text: expr ?? query ?? "",
      }));
    }),
  );
}

/** A query of PromQL as Grafana would send it with everything chosen. */
export function asSent(promql: string, windowSeconds: number): string {
  return promql
    .replaceAll(/\$__(rate_interval|interval|range)\b/g, `${windowSeconds}s`)
    .replaceAll(/"\$(?:instance|pool|server)\|?"/g, '".*"');
}
