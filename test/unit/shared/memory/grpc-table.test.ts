import { expect, test } from "bun:test";
import {
  GRPC_NAME_BYTES,
  GRPC_ROWS,
  GRPC_STATUSES,
  type GrpcColumns,
  GrpcCounts,
  readGrpcCalls,
} from "../../../../src/shared/memory/grpc-table.ts";

const columns = (): GrpcColumns => ({
  grpcLengths: new Int32Array(GRPC_ROWS),
  grpcNames: new Uint32Array((GRPC_ROWS * GRPC_NAME_BYTES) / 4),
  grpcCounts: new Float64Array(GRPC_ROWS * GRPC_STATUSES),
});

function count(counts: GrpcCounts, path: string, status = 0, isReal = true): void {
  const buf = Buffer.from(`xx${path}yy`);
  counts.count(buf, 2, buf.length - 2, status, isReal);
}

const read = (...blocks: GrpcColumns[]): Record<string, Record<string, number>> =>
  Object.fromEntries(
    readGrpcCalls(blocks)
      .map(({ service, method, counts }) => [
        `${service}/${method}`,
        Object.fromEntries([...counts.entries()].filter(([, value]) => value > 0)),
      ])
      .filter(([, counts]) => Object.keys(counts).length > 0),
  );

test("methods that servers have are told apart, over all workers", () => {
  const [one, other] = [columns(), columns()];
  const counts = new GrpcCounts(one);
  count(counts, "/shop.v1.Orders/Get");
  count(counts, "/shop.v1.Orders/Get", 5);
  count(counts, "/shop.v1.Orders/List");
  count(new GrpcCounts(other), "/shop.v1.Orders/Get");
  expect(read(one, other)).toEqual({
    "shop.v1.Orders/Get": { 0: 2, 5: 1 },
    "shop.v1.Orders/List": { 0: 1 },
  });
  // The next process of the same worker goes on with what is there.
  count(new GrpcCounts(one), "/shop.v1.Orders/Get");
  expect(read(one)["shop.v1.Orders/Get"]).toEqual({ 0: 2, 5: 1 });
});

test("a name that only clients have heard of is none, until a server has it", () => {
  const block = columns();
  const counts = new GrpcCounts(block);
  for (let i = 0; i < 10_000; i++) count(counts, `/made.up/Number${i}`, 12, false);
  expect(read(block)).toEqual({ "/": { 12: 10_000 } });
  count(counts, "/shop.v1.Orders/Get");
  count(counts, "/shop.v1.Orders/Get", 14, false);
  expect(read(block)["shop.v1.Orders/Get"]).toEqual({ 0: 1, 14: 1 });
});

test("what is no name of a method, or too long for one", () => {
  const block = columns();
  const counts = new GrpcCounts(block);
  const paths = ["/", "/a", "/a/", "//a", "/a/b/c", "/a/b?q", '/a/b"', "/a/b\n", "a/b", `/a/${"b".repeat(200)}`];
  for (const path of paths) count(counts, path);
  expect(read(block)).toEqual({ "/": { 0: paths.length } });
});

test("more methods than there are rows are counted together", () => {
  const block = columns();
  const counts = new GrpcCounts(block);
  for (let i = 0; i < 1000; i++) count(counts, `/a.B/M${i}`);
  const found = Object.entries(read(block));
  expect(found.length).toBeLessThanOrEqual(GRPC_ROWS);
  expect(found.length).toBeGreaterThan(200);
  expect(found.reduce((sum, [, { 0: each = 0 }]) => sum + each, 0)).toBe(1000);
});

test("a status that there is not, or none, is counted as none", () => {
  const block = columns();
  const counts = new GrpcCounts(block);
  count(counts, "/a.B/C");
  for (const status of [-1, 17, 99]) count(counts, "/a.B/C", status);
  expect(read(block)).toEqual({ "a.B/C": { 0: 1, 17: 3 } });
});
