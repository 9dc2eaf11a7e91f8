/** Links to Grafana's Explore. */
import type { Link } from "./model.ts";
import { LOKI, TEMPO } from "./sources.ts";

/** Opens log lines in Explore, over the dashboard's time. */
export function exploreLogs(title: string, expr: string): Link {
  return explore(title, LOKI.uid, { refId: "A", expr });
}

/** Opens a search for traces in Explore, over the dashboard's time. */
export function exploreTraces(title: string, query: string): Link {
  return explore(title, TEMPO.uid, { refId: "A", queryType: "traceql", query, limit: 20 });
}

function explore(title: string, datasource: string, query: object): Link {
  const range = { from: `\${__from}`, to: `\${__to}` };
  const panes = JSON.stringify({ a: { datasource, queries: [query], range } });
  return { title, url: `/explore?schemaVersion=1&panes=${encoded(panes)}`, targetBlank: true };
}

/** As in a query string, but for variables, which Grafana looks for before it goes there. */
function encoded(text: string): string {
  return text
    .split(/(\$\{\w+\})/)
    .map((part, at) => (at % 2 === 1 ? part : encodeURIComponent(part)))
    .join("");
}
