/** Writes the tables of docs/http-api.md, and docs/openapi.json, from the routes. */
import { openApiDocument } from "../openapi/document.ts";
import { type AdminRoute, readOnly } from "./route.ts";
import { type AdminControl, adminRoutes } from "./routes.ts";

/** Between these lines of the document is what is made here. */
const MARKS = { begin: "<!-- routes of %:begin -->", end: "<!-- routes of %:end -->" } as const;

/** The document with fresh tables. Throws when it has lost its marks. */
export function withRouteTables(document: string): string {
  const routes = describedRoutes();
  return (["everyone", "operator"] as const).reduce((text, audience) => {
    const rows = routes.flatMap((route) => rowsOf(route).filter((row) => row.audience === audience));
    return between(
      text,
      MARKS.begin.replace("%", audience),
      MARKS.end.replace("%", audience),
      rows.map(({ text: row }) => row),
    );
  }, document);
}

/** The OpenAPI document as a file. */
export function renderOpenApi(): string {
  return `${JSON.stringify(openApiDocument(describedRoutes()), null, 2)}\n`;
}

/** None of them is asked for anything. */
function describedRoutes(): readonly AdminRoute[] {
  return adminRoutes({} as AdminControl, { info: () => {}, warn: () => {}, error: () => {} });
}

/** What changes something is the operator's, also where everyone may look. */
function rowsOf(route: AdminRoute): { readonly audience: AdminRoute["audience"]; readonly text: string }[] {
  const open = Object.values(readOnly(route).methods);
  return Object.entries(route.methods).map(([method, operation]) => ({
    audience: open.includes(operation) ? route.audience : "operator",
    text: `| \`${method} ${route.path}\` | ${operation.doc.replaceAll("|", "\\|")} |`,
  }));
}

function between(text: string, begin: string, end: string, rows: readonly string[]): string {
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`docs/http-api.md needs the lines ${begin} and ${end}`);
  const table = ["| Path | Answer |", "|---|---|", ...rows].join("\n");
  return `${text.slice(0, from + begin.length)}\n${table}\n${text.slice(to)}`;
}
