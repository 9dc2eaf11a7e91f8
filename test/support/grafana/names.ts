/** What queries of LogQL and TraceQL name, found by the parsers of Grafana's own editor. */
import { parser as logql } from "@grafana/lezer-logql";
import { parser as traceql } from "@grafana/lezer-traceql";
import type { SyntaxNodeRef, Tree } from "@lezer/common";

/** Labels and fields of a query of LogQL. */
export interface LogNames {
  /** Of the stream: what the shipper sets. */
  readonly labels: readonly string[];
  /** Of the line. */
  readonly fields: readonly string[];
}

/** @throws when it cannot be read. */
export function logNames(query: string): LogNames {
  const labels: string[] = [];
  const fields: string[] = [];
  // A range may be a variable in Grafana only.
  const text = query.replaceAll(/\$__\w+/g, "1m");
  walk("LogQL", logql.parse(text), text, (node, inside) => {
    if (node.name !== "Identifier") return;
    (inside.includes("Matcher") && inside.includes("Selector") ? labels : fields).push(text.slice(node.from, node.to));
  });
  return { labels: unique(labels), fields: unique(fields) };
}

/** Attributes of a query of TraceQL, such as `span.http.route` and `resource.service.name`, and intrinsics. Throws as above. */
export function traceNames(query: string): string[] {
  const names: string[] = [];
  walk("TraceQL", traceql.parse(query), query, (node) => {
    if (node.name === "AttributeField" || node.name === "IntrinsicField") names.push(query.slice(node.from, node.to));
  });
  return unique(names);
}

function walk(
  language: string,
  tree: Tree,
  text: string,
  see: (node: SyntaxNodeRef, inside: readonly string[]) => void,
): void {
  const inside: string[] = [];
  tree.iterate({
    enter: (node) => {
      if (node.type.isError) {
        throw new Error(`no ${language} at ${node.from}: ${text.slice(0, node.from)}⟨here⟩${text.slice(node.from)}`);
      }
      see(node, inside);
      inside.push(node.name);
    },
    leave: () => void inside.pop(),
  });
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)].sort();
}
