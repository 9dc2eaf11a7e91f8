/** What holds of merging, whatever was changed and in whatever order it is heard of. */
import { describe, expect, test } from "bun:test";
import { seededRandom } from "../../../../../src/balancing/random.ts";
import { MAX_OVERRIDES } from "../../../../../src/shared/operations/limits.ts";
import type { Override } from "../../../../../src/shared/operations/override.ts";
import { HybridClock, stampOf } from "../../../../../src/shared/operations/stamp.ts";
import {
  goneMs,
  MAX_ENTRIES,
  REMEMBERED_MS,
  Replica,
  type ReplicaEntry,
} from "../../../../../src/storage/operations/replicated/replica.ts";

const INSTANCE = "00000000000000aa";

function override(id: string, untilMs: number | null = null): Override {
  return {
    kind: "weight",
    id,
    target: { pool: "default", server: `${id}:80`, address: "" },
    value: 2,
    configured: 1,
    by: "deploy",
    client: "",
    reason: "",
    atMs: 1,
    untilMs,
    kept: true,
  };
}

function entry(id: string, ms: number, ended = false, untilMs: number | null = null): ReplicaEntry {
  return { id, stamp: stampOf(ms, INSTANCE), override: ended ? null : override(id, untilMs), note: null };
}

const known = (replica: Replica): string[] =>
  [...replica.entries.values()].map(({ id, stamp }) => `${id} ${stamp}`).sort();

/** A history of three instances that change five things, each hearing of the others now and then. */
function history(random: () => number): ReplicaEntry[] {
  const clocks = [0, 1, 2].map((index) => {
    return new HybridClock(`000000000000000${index}`, () => 1_000 + Math.floor(random() * 3) + index * 86_400_000);
  });
  return Array.from({ length: 40 }, () => {
    const clock = clocks[Math.floor(random() * 3)];
    const id = "abcde"[Math.floor(random() * 5)];
    const made = { id, stamp: clock.next(), override: random() < 0.3 ? null : override(id), note: null };
    for (const other of clocks) if (random() < 0.5) other.hear(made.stamp);
    return made;
  });
}

function shuffled<T>(values: readonly T[], random: () => number): T[] {
  return values
    .map((value) => ({ value, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ value }) => value);
}

describe("merging", () => {
  test("is the same in any order, in any portions, and however often", () => {
    for (let seed = 1; seed <= 200; seed++) {
      const source = seededRandom(seed);
      const random = (): number => source.next();
      const entries = history(random);
      const whole = new Replica(entries);
      const cut = Math.floor(random() * entries.length);
      // Commutative, and associative: parts that were merged apart.
      const [left, right] = [new Replica(entries.slice(0, cut)), new Replica(entries.slice(cut))];
      left.merge(right.entries.values());
      const other = new Replica(shuffled(entries, random));
      // Idempotent.
      other.merge(shuffled(entries, random));
      expect(known(left)).toEqual(known(whole));
      expect(known(other)).toEqual(known(whole));
      expect(other.merge(entries)).toEqual([]);
    }
  });

  test("tells what was news", () => {
    const replica = new Replica([entry("a", 5)]);
    const [older, newer, other] = [entry("a", 4), entry("a", 6, true), entry("b", 1)];
    expect(replica.merge([older, newer, other])).toEqual([newer, other]);
  });
});

describe("what counts", () => {
  const none = new Map<string, Override>();

  test("is what has not ended and is not over; what an instance has of its own hides the rest", () => {
    const replica = new Replica([entry("a", 1), entry("b", 2, true), entry("c", 3, false, 500), entry("d", 4)]);
    const ids = (own: ReadonlyMap<string, Override>, wallMs: number, held?: ReadonlySet<string>): string[] =>
      replica.view(own, wallMs, held).overrides.map(({ id }) => id);
    expect(ids(none, 499)).toEqual(["a", "c", "d"]);
    expect(ids(none, 500)).toEqual(["a", "d"]);
    // Who has it in force still ends it in its own time.
    expect(ids(none, 500, new Set([stampOf(3, INSTANCE)]))).toEqual(["a", "c", "d"]);
    const own: Override = { ...override("a"), scope: "instance" };
    expect(replica.view(new Map([["a", own]]), 500).overrides[0]).toBe(own);
  });

  test("is bounded: the last that were made have no room, and count when there is some", () => {
    const many = Array.from({ length: MAX_OVERRIDES + 2 }, (_, index) => entry(`x${index}`, index));
    const replica = new Replica(many);
    expect(replica.view(none, 0)).toMatchObject({ left: 2 });
    expect(replica.view(none, 0).overrides.some(({ id }) => id === `x${MAX_OVERRIDES}`)).toBe(false);
    replica.merge([entry("x0", MAX_OVERRIDES + 5, true)]);
    expect(replica.view(none, 0)).toMatchObject({ left: 1 });
  });
});

describe("what is forgotten", () => {
  test("is what has ended a week ago, or is over for so long", () => {
    const replica = new Replica([entry("a", 10, true), entry("b", 10, false, 20), entry("c", 10)]);
    expect([...replica.entries.values()].map(goneMs)).toEqual([10 + REMEMBERED_MS, 20 + REMEMBERED_MS, null]);
    replica.tidy(REMEMBERED_MS + 9);
    expect(replica.entries.size).toBe(3);
    replica.tidy(REMEMBERED_MS + 10);
    expect([...replica.entries.keys()]).toEqual(["b", "c"]);
    replica.tidy(REMEMBERED_MS + 20);
    expect([...replica.entries.keys()]).toEqual(["c"]);
  });

  test("is the oldest that has ended, where there are too many", () => {
    const ended = Array.from({ length: MAX_ENTRIES }, (_, index) => entry(`x${index}`, index, true));
    const replica = new Replica([...ended, entry("live", 0)]);
    replica.tidy(0);
    expect(replica.entries.size).toBe(MAX_ENTRIES);
    expect(replica.entries.has("x0")).toBe(false);
    expect(replica.entries.has("live")).toBe(true);
  });
});
