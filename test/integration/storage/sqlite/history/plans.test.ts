/** How SQLite finds what is asked for: by the order in which rows lie, never by looking at all of them. */
import { Database } from "bun:sqlite";
import { afterEach, expect, test } from "bun:test";
import { HISTORY_PART, type HistoryTables } from "../../../../../src/storage/sqlite/history/part.ts";
import { migrate } from "../../../../../src/storage/sqlite/schema/schema.ts";

const db = new Database(":memory:");
const plans: string[] = [];
afterEach(() => void plans.splice(0));

/** The tables, over a connection that notes the plan of every statement of theirs. */
async function tables(): Promise<HistoryTables> {
  await migrate(db, HISTORY_PART.schema);
  const noted = new Proxy(db, {
    get: (target, name: keyof Database) => {
      if (name !== "query") return target[name];
      return (sql: string) => {
        const plan = target.query<{ detail: string }, []>(`EXPLAIN QUERY PLAN ${sql}`).all();
        plans.push(...plan.map(({ detail }) => detail));
        return target.query(sql);
      };
    },
  });
  return HISTORY_PART.tables(noted);
}

const query = { sinceMs: 1, untilMs: 5, pool: "a", route: "b", server: "c", instance: "d" };

test("pages, spans, events and what goes are found by key", async () => {
  const { metrics, requests, gauges, events } = await tables();
  plans.length = 0;
  for (const table of Object.values(metrics.of)) {
    table.page(query, null, 10);
    table.page({ sinceMs: 1, untilMs: 5 }, [3, 1], 10);
    table.span();
    table.deleteOldest(5);
  }
  requests.page({ ...query, reasons: ["failed"] }, null, 10);
  gauges.page(query, null, 10);
  for (const table of [requests, gauges, events]) {
    table.oldestMs();
    table.deleteOldest(5);
  }
  events.list({ ...query, kinds: ["ejection"], limit: 10 });
  expect(plans.length).toBeGreaterThan(20);
  // `series` is small, and looked through once for each page.
  const scans = plans.filter((plan) => plan.startsWith("SCAN") && !/^SCAN (series|CONSTANT ROW)/.test(plan));
  expect(scans).toEqual([]);
  expect(plans.filter((plan) => plan.includes("TEMP B-TREE"))).toEqual([]);
  expect(plans).toContain("SEARCH metrics USING PRIMARY KEY ((at,series)>(?,?) AND at<?)");
  expect(plans.some((plan) => plan.startsWith("SEARCH events USING INDEX events_by_time (at>? AND at<?)"))).toBe(true);
});
