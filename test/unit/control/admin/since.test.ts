/** `?since=` of the audit and of the time line. */
import { describe, expect, test } from "bun:test";
import { sinceMs, sinceText } from "../../../../src/control/admin/since.ts";

const NOW_MS = Date.UTC(2026, 10, 30, 12);

describe("since", () => {
  test.each([
    ["90s", NOW_MS - 90_000],
    ["3d", NOW_MS - 3 * 86_400_000],
    ["yesterday", Date.UTC(2026, 10, 29)],
    ["2026-11-30T02:00:00+02:00", Date.UTC(2026, 10, 30)],
    [String(NOW_MS), NOW_MS],
    ["9999w", 0],
  ])("%s", (text, ms) => {
    expect(sinceMs(sinceText.parse(text), NOW_MS)).toBe(ms);
  });

  test("need not be said", () => {
    expect(sinceMs(sinceText.parse(undefined), NOW_MS)).toBeNull();
  });

  test.each(["", "soon", "15", "2026-13-01", "x".repeat(9_999)])("is not %p", (text) => {
    const { error } = sinceText.safeParse(text);
    expect(error?.issues[0].message).toContain("is no time; give a length of time before now (90s");
    expect(error!.issues[0].message.length).toBeLessThan(600);
  });
});
