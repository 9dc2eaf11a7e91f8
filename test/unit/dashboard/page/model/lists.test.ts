import { expect, test } from "bun:test";
import { filterEvents, marksOf, withEvents } from "../../../../../src/dashboard/page/model/events.ts";
import { SeriesTable } from "../../../../../src/dashboard/page/model/series-table.ts";
import {
  filterServers,
  loadOf,
  type ServerRow,
  sortServers,
  windowOf,
} from "../../../../../src/dashboard/page/model/server-list.ts";
import type { TimelineEvent } from "../../../../../src/shared/live/timeline.ts";

const row = (name: string, more: Partial<ServerRow> = {}) =>
  ({ name, pool: "shop", state: "up", reason: "", zone: null, address: "", p99: 1, ...more }) as ServerRow;
const names = (rows: readonly ServerRow[]) => rows.map(({ name }) => name);
const event = (number: number, second: number, kind = "health") =>
  ({
    id: `9-${number}`,
    at: new Date(second * 1000).toISOString(),
    kind,
    message: `no ${number}`,
    pool: "",
    server: "",
    actor: "",
  }) as TimelineEvent;

test("servers are sorted as people count, what is unknown comes last either way", () => {
  const rows = [row("web-10"), row("web-2", { p99: null }), row("web-1", { p99: 9 })];
  expect(names(sortServers(rows, { key: "name", descending: false }))).toEqual(["web-1", "web-2", "web-10"]);
  expect(names(sortServers(rows, { key: "p99", descending: true }))).toEqual(["web-1", "web-10", "web-2"]);
  expect(names(sortServers(rows, { key: "p99", descending: false }))).toEqual(["web-10", "web-1", "web-2"]);
});

test("every word counts", () => {
  const rows = [row("a", { state: "down" }), row("b", { pool: "search", state: "down" })];
  expect(names(filterServers(rows, "search DOWN"))).toEqual(["b"]);
});

test("only rows in sight are drawn", () => {
  expect(windowOf(300, 35, 3500, 700)).toEqual({ from: 92, to: 128 });
  expect(windowOf(3, 35, 9999, 700)).toEqual({ from: 3, to: 3 });
});

test("events come once, newest first, also across runs", () => {
  const known = withEvents([], [event(1, 1), event(10, 5), event(9, 5)]);
  expect(withEvents(known, [event(10, 5), event(11, 6)]).map(({ id }) => id)).toEqual(["9-11", "9-10", "9-9", "9-1"]);
  expect(filterEvents(known, "", "10")).toHaveLength(1);
});

test("events close to each other are one mark", () => {
  const marks = marksOf([event(3, 100), event(2, 51), event(1, 50), event(0, 1)], 10_000, 5_000);
  expect(marks.map(({ atMs, events }) => [atMs, events.length])).toEqual([
    [50_000, 2],
    [100_000, 1],
  ]);
});

test("series share an axis, forget the oldest, and know what they do not know", () => {
  const table = new SeriesTable(3);
  for (let at = 1; at <= 4; at++) {
    table.begin(at);
    if (at !== 3) table.set("a", at * 10);
  }
  expect(table.begin(4)).toBe(false);
  expect(table.read(["a", "b"], 0)).toEqual({
    at: [2, 3, 4],
    values: [
      [20, null, 40],
      [null, null, null],
    ],
  });
});

test("what is in flight stands beside the limit that is reached first; at a learned one a server is busy, and not full", () => {
  const loadAt = (in_flight: number, concurrency_limit: number | null, hard_limit: number) =>
    loadOf(row("a", { in_flight, concurrency_limit, hard_limit }));
  expect(loadAt(7, null, 0)).toEqual({ text: "7", isFull: false, meaning: undefined });
  expect(loadAt(7, 8, 0)).toEqual({ text: "7 / 8", isFull: false, meaning: "learned limit: works on 8 at once" });
  expect(loadAt(9, 8, 20)).toMatchObject({ text: "9 / 8", isFull: false });
  expect(loadAt(20, 30, 20)).toEqual({ text: "20 / 20", isFull: true, meaning: "hard limit: 20 at most" });
  expect(loadAt(19, null, 20)).toMatchObject({ text: "19 / 20", isFull: false });
});
