/** What happened lately stays in memory, within bounds, and can be asked for. */
import { describe, expect, test } from "bun:test";
import { Journal } from "../../../../src/control/events/journal.ts";
import { TimelineMemory } from "../../../../src/control/live/timeline.ts";

function make(bounds?: { events: number; bytes: number }) {
  let nowMs = 1_000;
  const journal = new Journal(() => nowMs);
  const timeline = new TimelineMemory("run", bounds);
  journal.listen(timeline.add);
  const messages = () => timeline.latest({}, 100).map(({ message }) => message);
  return { journal, timeline, messages, at: (ms: number) => (nowMs = ms) };
}

describe("the time line", () => {
  test("is told of everything, also while no history is kept", () => {
    const { journal, messages } = make();
    journal.setOpen(false);
    journal.note({ kind: "reload", message: "one", actor: "SIGHUP" });
    expect(journal.waiting).toBe(0);
    journal.setOpen(true);
    journal.note({ kind: "reload", message: "two" });
    expect(journal.waiting).toBe(1);
    expect(messages()).toEqual(["two", "one"]);
  });

  test("says when, what, of which server and who, with an id", () => {
    const { journal, timeline } = make();
    const event = {
      kind: "change",
      message: "w",
      pool: "shop",
      server: "a:1",
      actor: "admin API",
      detail: { weight: 2 },
    };
    journal.note(event as never);
    expect(timeline.latest({}, 1)).toEqual([
      { id: "run-1", at: "1970-01-01T00:00:01.000Z", address: "", ...event } as never,
    ]);
    expect(timeline.lastId).toBe("run-1");
  });

  test("can be asked for by time, kind, pool and server", () => {
    const { journal, timeline, at } = make();
    journal.note({ kind: "health", message: "old", pool: "shop", server: "a:1" });
    at(5_000);
    journal.note({ kind: "health", message: "a", pool: "shop", server: "a:1", address: "10.0.0.1" });
    journal.note({ kind: "ejection", message: "b", pool: "api", server: "b:1" });
    const found = (filter: object) => timeline.latest(filter, 10).map(({ message }) => message);
    expect(found({ sinceMs: 2_000 })).toEqual(["b", "a"]);
    expect(found({ kinds: ["health"] })).toEqual(["a", "old"]);
    expect(found({ pool: "api" })).toEqual(["b"]);
    expect(found({ server: "10.0.0.1" })).toEqual(["a"]);
    expect(timeline.latest({}, 1).map(({ message }) => message)).toEqual(["b"]);
  });

  test("tells who comes again what was missed; of another run, all", () => {
    const { journal, timeline } = make();
    for (const message of ["one", "two", "three"]) journal.note({ kind: "change", message });
    const after = (id: string, limit = 10) => timeline.after(id, limit).map(({ message }) => message);
    expect(after("run-1")).toEqual(["two", "three"]);
    expect(after("run-3")).toEqual([]);
    expect(after("other-3")).toEqual(["one", "two", "three"]);
    expect(after("nonsense\n", 2)).toEqual(["two", "three"]);
  });

  test("forgets the oldest beyond its bounds of number and bytes", () => {
    const few = make({ events: 2, bytes: 1e6 });
    for (const message of ["one", "two", "three"]) few.journal.note({ kind: "change", message });
    expect(few.messages()).toEqual(["three", "two"]);
    expect(few.timeline.forgotten).toBe(1);
    const small = make({ events: 1_000, bytes: 20_000 });
    for (let i = 0; i < 100; i++) small.journal.note({ kind: "change", message: String(i), detail: "x".repeat(2_000) });
    expect(small.messages()).toEqual(["99", "98", "97", "96"]);
  });
});
