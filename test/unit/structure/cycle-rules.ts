/** No circles: two files that need something of each other find it in a third. Types count, too. */
import { importsOf } from "./import-rules.ts";
import type { SourceFile } from "./source-tokens.ts";

/** One circle for each group of files that reach each other by imports, as `a.ts → b.ts → a.ts`. */
export function importCycles(files: readonly SourceFile[]): string[] {
  const paths = new Set(files.map(({ path }) => path));
  const graph = new Map(
    files.map((file) => [
      file.path,
      [...new Set(importsOf(file).flatMap(({ file: to }) => (to !== null && paths.has(to) ? [to] : [])))],
    ]),
  );
  return components(graph).flatMap((members) => {
    const circle = shortestCircle(graph, members);
    if (circle === null) return [];
    const others = members.size - circle.length;
    const beside = others === 0 ? "" : ` (and ${others} more that hang together with them)`;
    return [[...circle, circle[0]].join(" → ") + beside];
  });
}

type Graph = ReadonlyMap<string, readonly string[]>;

/** Groups of nodes that reach each other, each alone where it reaches none (Tarjan 1972). */
function components(graph: Graph): Set<string>[] {
  const found: Set<string>[] = [];
  const order = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const visit = (node: string): void => {
    order.set(node, order.size);
    low.set(node, order.get(node)!);
    stack.push(node);
    for (const next of graph.get(node)!) {
      if (!order.has(next)) visit(next);
      if (stack.includes(next)) low.set(node, Math.min(low.get(node)!, low.get(next)!));
    }
    if (low.get(node) === order.get(node)) found.push(new Set(stack.splice(stack.indexOf(node))));
  };
  for (const node of graph.keys()) if (!order.has(node)) visit(node);
  return found;
}

/** The shortest way from the first of `members` back to itself, or from another where it has none. */
function shortestCircle(graph: Graph, members: ReadonlySet<string>): string[] | null {
  for (const start of [...members].sort()) {
    const ways: string[][] = [[start]];
    const seen = new Set<string>();
    for (const way of ways) {
      for (const next of graph.get(way.at(-1)!)!) {
        if (next === start) return way;
        if (!members.has(next) || seen.has(next)) continue;
        seen.add(next);
        ways.push([...way, next]);
      }
    }
  }
  return null;
}
