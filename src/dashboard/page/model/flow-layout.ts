/**
 * The picture of how traffic flows: clients → routes → pools → servers, widths as shares. Pure: rates in, bands out.
 */

/** Something that traffic goes through. */
export interface FlowNode {
  readonly key: string;
  readonly label: string;
  readonly rate: number;
  readonly tone: "ok" | "bad" | "idle";
  /** Where a click leads; `null` = nowhere. */
  readonly href: string | null;
}

/** Traffic from one to another. */
export interface FlowEdge {
  readonly from: string;
  readonly to: string;
  readonly rate: number;
}

/** Columns of nodes, left to right, and what goes between them. */
export interface FlowGraph {
  readonly columns: readonly (readonly FlowNode[])[];
  readonly edges: readonly FlowEdge[];
}

/** A node with its place. */
export interface PlacedNode extends FlowNode {
  readonly x: number;
  readonly y: number;
  readonly height: number;
}

/** A band: thickness at both ends is its share. */
export interface PlacedEdge extends FlowEdge {
  readonly path: string;
  readonly tone: FlowNode["tone"];
}

/** All of it, in the units of the view box. */
export interface FlowPicture {
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly PlacedNode[];
  readonly edges: readonly PlacedEdge[];
}

/** Measures of the picture. */
export interface FlowMeasures {
  readonly width: number;
  readonly nodeWidth: number;
  readonly gap: number;
  /** Each node has room for its label. */
  readonly minHeight: number;
  /** What the whole traffic takes beyond that. */
  readonly flowHeight: number;
}

/** Places everything. Columns are centred on each other. */
export function placeFlow({ columns, edges }: FlowGraph, measures: FlowMeasures): FlowPicture {
  const { width, nodeWidth, gap, minHeight, flowHeight } = measures;
  const total = Math.max(...columns.map((nodes) => nodes.reduce((sum, node) => sum + node.rate, 0)), 1e-9);
  const scale = flowHeight / total;
  const heightOf = (node: FlowNode) => Math.max(minHeight, node.rate * scale);
  const columnHeight = (nodes: readonly FlowNode[]) =>
    nodes.reduce((sum, node) => sum + heightOf(node), 0) + gap * Math.max(0, nodes.length - 1);
  const height = Math.max(...columns.map(columnHeight), minHeight);
  const placed = new Map<string, PlacedNode>();
  columns.forEach((nodes, at) => {
    let y = (height - columnHeight(nodes)) / 2;
    const x = columns.length === 1 ? 0 : (at * (width - nodeWidth)) / (columns.length - 1);
    for (const node of nodes) {
      placed.set(node.key, { ...node, x, y, height: heightOf(node) });
      y += heightOf(node) + gap;
    }
  });
  return { width, height, nodes: [...placed.values()], edges: placeEdges(edges, placed, scale, nodeWidth) };
}

function placeEdges(
  edges: readonly FlowEdge[],
  placed: ReadonlyMap<string, PlacedNode>,
  scale: number,
  nodeWidth: number,
): PlacedEdge[] {
  const shown = edges.filter(({ from, to, rate }) => rate > 0 && placed.has(from) && placed.has(to));
  const starts = offsets(shown, "from", "to", placed, scale);
  const ends = offsets(shown, "to", "from", placed, scale);
  return shown.map((edge) => {
    const [from, to] = [placed.get(edge.from)!, placed.get(edge.to)!];
    const thickness = Math.max(0.75, edge.rate * scale);
    const [x0, x1] = [from.x + nodeWidth, to.x];
    const [y0, y1] = [starts.get(edge)!, ends.get(edge)!];
    const middle = (x0 + x1) / 2;
    const [a, b, c, d] = [y0, y1, y1 + thickness, y0 + thickness].map(short);
    const path = `M${short(x0)} ${a}C${short(middle)} ${a} ${short(middle)} ${b} ${short(x1)} ${b}V${c}C${short(middle)} ${c} ${short(middle)} ${d} ${short(x0)} ${d}Z`;
    return { ...edge, path, tone: to.tone };
  });
}

/** Where each band touches its node: one below the other in the order of the other side, centred. */
function offsets(
  edges: readonly FlowEdge[],
  side: "from" | "to",
  other: "from" | "to",
  placed: ReadonlyMap<string, PlacedNode>,
  scale: number,
): Map<FlowEdge, number> {
  const at = new Map<FlowEdge, number>();
  for (const [key, bands] of Map.groupBy(edges, (edge) => edge[side])) {
    const node = placed.get(key)!;
    const sorted = bands.toSorted((a, b) => placed.get(a[other])!.y - placed.get(b[other])!.y);
    let y = node.y + (node.height - sorted.reduce((sum, { rate }) => sum + rate * scale, 0)) / 2;
    for (const band of sorted) {
      at.set(band, y);
      y += band.rate * scale;
    }
  }
  return at;
}

function short(value: number): string {
  return String(Math.round(value * 10) / 10);
}
