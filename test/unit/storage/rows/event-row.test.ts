import { expect, test } from "bun:test";
import { toEvent } from "../../../../src/storage/rows/event-row.ts";

test("details that are no JSON are shown as they are", () => {
  const of = { pool: "", server: "", address: "", actor: "x", message: "m", instance: "one" };
  const row = { atMs: 1, kind: "change", ...of, detail: "{not json" } as const;
  expect(toEvent(row).detail).toBe("{not json");
  expect(toEvent({ ...row, detail: "[1]" }).detail).toEqual([1]);
});
