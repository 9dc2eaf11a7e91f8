/** What happened waits until the recorder has it in the store, within a bound. */
import { describe, expect, test } from "bun:test";
import { Journal } from "../../../../src/control/events/journal.ts";
import type { EventRow } from "../../../../src/storage/history-store.ts";

function make(maxBytes?: number) {
  const journal = new Journal(() => 1_000, maxBytes);
  const told: { number: number; messages: string[] }[] = [];
  let reachable = true;
  const tell = (number: number, events: readonly EventRow[]): boolean => {
    if (reachable) told.push({ number, messages: events.map(({ message }) => message) });
    return reachable;
  };
  const note = (...messages: string[]): void => {
    for (const message of messages) journal.note({ kind: "change", message });
  };
  return { journal, told, tell, note, setReachable: (on: boolean) => (reachable = on) };
}

describe("the journal", () => {
  test("gives an event its time, and what is left out", () => {
    const { journal } = make();
    const rows: EventRow[] = [];
    journal.setRecorder((_number, events) => {
      rows.push(...events);
      return true;
    });
    journal.note({ kind: "stop", message: "bye" });
    journal.note({ kind: "health", message: "up", pool: "shop", server: "a:1", address: "10.0.0.1", detail: { n: 1 } });
    journal.flush();
    const nothing = { pool: "", server: "", address: "", actor: "balancer", detail: null };
    expect(rows).toEqual([
      { ...nothing, atMs: 1_000, kind: "stop", message: "bye" },
      {
        ...nothing,
        atMs: 1_000,
        kind: "health",
        message: "up",
        pool: "shop",
        server: "a:1",
        address: "10.0.0.1",
        detail: { n: 1 },
      },
    ]);
  });

  test("keeps what happens before there is a recorder, and tells it once", () => {
    const { journal, told, tell, note } = make();
    note("one", "two");
    journal.flush();
    journal.setRecorder(tell);
    note("three");
    journal.flush();
    journal.flush();
    expect(told).toEqual([
      { number: 2, messages: ["one", "two"] },
      { number: 3, messages: ["three"] },
    ]);
  });

  test("tells a successor what its predecessor did not say to have kept", () => {
    const { journal, told, tell, note } = make();
    journal.setRecorder(tell);
    note("one", "two", "three");
    journal.flush();
    journal.kept(2);
    expect(journal.waiting).toBe(1);
    journal.setRecorder(null);
    note("four");
    journal.setRecorder(tell);
    expect(told.at(-1)).toEqual({ number: 4, messages: ["three", "four"] });
    journal.kept(99);
    expect(journal.waiting).toBe(2);
    journal.kept(4);
    expect(journal.waiting).toBe(0);
    journal.setRecorder(tell);
    expect(told).toHaveLength(2);
  });

  test("tells again what could not be said", () => {
    const { journal, told, tell, note, setReachable } = make();
    journal.setRecorder(tell);
    setReachable(false);
    note("one");
    journal.flush();
    setReachable(true);
    note("two");
    journal.flush();
    expect(told).toEqual([{ number: 2, messages: ["one", "two"] }]);
  });

  test("loses the oldest beyond its bound, and counts them", () => {
    const { journal, told, tell, note } = make(3_000);
    note(..."abcdefghijklmnop");
    expect(journal.dropped).toBeGreaterThan(0);
    expect(journal.dropped + journal.waiting).toBe(16);
    journal.setRecorder(tell);
    expect(told[0].messages.at(-1)).toBe("p");
    expect(told[0].messages).toHaveLength(journal.waiting);
  });

  test("sends large events in several messages; what is far too large loses its detail", () => {
    const { journal, told, tell } = make();
    const sizes: unknown[] = [];
    for (let i = 0; i < 10; i++) journal.note({ kind: "reload", message: `${i}`, detail: "x".repeat(50_000) });
    journal.note({ kind: "reload", message: "huge", detail: "x".repeat(100_000) });
    journal.setRecorder((number, events) => {
      sizes.push(...events.map(({ detail }) => (detail as string | null)?.length ?? null));
      return tell(number, events);
    });
    expect(told.length).toBeGreaterThan(2);
    expect(told.flatMap(({ messages }) => messages)).toHaveLength(11);
    expect(sizes.at(-1)).toBeNull();
  });

  test("notes nothing while history is not kept", () => {
    const { journal, told, tell, note } = make();
    note("before");
    journal.setOpen(false);
    note("meanwhile");
    journal.setOpen(true);
    note("after");
    journal.setRecorder(tell);
    expect(told).toEqual([{ number: 2, messages: ["after"] }]);
  });

  test("shows control characters of names instead of having them do something", () => {
    const { journal } = make();
    const messages: string[] = [];
    journal.setRecorder((_number, events) => {
      messages.push(...events.map(({ message }) => message));
      return true;
    });
    journal.note({ kind: "change", message: `a\u001b[2Jb${"c".repeat(2_000)}` });
    journal.flush();
    expect(messages[0]).toStartWith("a\\u001b[2Jb");
    expect(messages[0]).toHaveLength(1_000);
  });
});
