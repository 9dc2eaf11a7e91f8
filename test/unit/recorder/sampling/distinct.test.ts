import { expect, test } from "bun:test";
import { Distinct } from "../../../../src/recorder/sampling/distinct.ts";
import type { RequestRow } from "../../../../src/storage/history-store.ts";

const row = (atMs: number, changed: Partial<RequestRow> = {}): RequestRow => ({
  atMs,
  pool: "default",
  route: "all",
  server: "a:80",
  address: "",
  method: "GET",
  path: "/",
  status: 200,
  error: "",
  durationMs: 1,
  waitMs: 0,
  headMs: 1,
  attempts: 1,
  inFlight: 0,
  responseBytes: 0,
  requestId: "same",
  client: "127.0.0.1",
  reason: "sample",
  weight: 2,
  ...changed,
});
const times = (rows: readonly RequestRow[]) => rows.map(({ atMs }) => atMs);

test("requests that a store would take for one stand some milliseconds apart", () => {
  const distinct = new Distinct();
  expect(times(distinct.apply([row(5.1), row(5.9), row(6), row(9)]))).toEqual([5.1, 6, 7, 9]);
  expect(times(distinct.apply([row(5), row(9.5)]))).toEqual([8, 10]); // nor for one of the second before
});

test("others stay where they are", () => {
  const rows = [
    row(5),
    row(5, { requestId: "other" }),
    row(5, { server: "b:80" }),
    row(5, { status: 503 }),
    row(5.2, { pool: "shop" }),
  ];
  expect(new Distinct().apply(rows)).toEqual(rows);
});
