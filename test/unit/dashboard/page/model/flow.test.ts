import { expect, test } from "bun:test";
import { type FlowGraph, placeFlow } from "../../../../../src/dashboard/page/model/flow-layout.ts";

const node = (key: string, rate: number) => ({ key, label: key, rate, tone: "ok" as const, href: null });
const GRAPH: FlowGraph = {
  columns: [[node("clients", 100)], [node("a", 75), node("b", 25), node("c", 0)]],
  edges: [
    { from: "clients", to: "a", rate: 75 },
    { from: "clients", to: "b", rate: 25 },
    { from: "clients", to: "c", rate: 0 },
  ],
};
const MEASURES = { width: 400, nodeWidth: 6, gap: 8, minHeight: 10, flowHeight: 200 };

test("heights are shares, what gets nothing has room for its name and no band", () => {
  const { nodes, edges, height } = placeFlow(GRAPH, MEASURES);
  expect(nodes.map((one) => [one.key, one.height])).toEqual([
    ["clients", 200],
    ["a", 150],
    ["b", 50],
    ["c", 10],
  ]);
  expect(height).toBe(226);
  expect(edges.map(({ to }) => to)).toEqual(["a", "b"]);
});

test("nothing at all is a picture, too", () => {
  expect(placeFlow({ columns: [[node("clients", 0)]], edges: [] }, MEASURES).edges).toEqual([]);
});
