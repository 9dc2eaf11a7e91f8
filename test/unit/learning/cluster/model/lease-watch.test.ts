import { describe, expect, test } from "bun:test";
import { LeaseWatch } from "../../../../../src/learning/cluster/model/lease-watch.ts";
import type { Lease } from "../../../../../src/learning/cluster/model/model-registry.ts";

const LEASE_MS = 6_000;
const lease = (id: string, token: number, beat: number): Lease => ({ id, name: id, token, sinceMs: 0, beat });

describe("a lease as its holder may rely on it", () => {
  test("lasts from when it was asked for, by the holder's own clock", () => {
    const watch = new LeaseWatch("me", LEASE_MS);
    expect(watch.isHeld(0)).toBe(false);
    watch.hear(lease("me", 7, 0), 1_000, 3_000);
    expect(watch.token).toBe(7);
    expect(watch.isHeld(6_999)).toBe(true);
    expect(watch.isHeld(7_000)).toBe(false); // whoever was stopped meanwhile knows it when it goes on
    watch.hear(lease("me", 7, 1), 8_000, 8_010);
    expect(watch.isHeld(13_999)).toBe(true);
    watch.lose();
    expect(watch.isHeld(9_000)).toBe(false);
  });

  test("is over when another has it", () => {
    const watch = new LeaseWatch("me", LEASE_MS);
    watch.hear(lease("me", 7, 0), 0, 1);
    watch.hear(lease("other", 9, 0), 1_000, 1_001);
    expect(watch.isHeld(1_002)).toBe(false);
    expect(watch.token).toBe(0);
  });
});

describe("a lease of somebody else", () => {
  test("that is not renewed for three of its times is to be taken away, whatever Redis's clock says", () => {
    const watch = new LeaseWatch("me", LEASE_MS);
    watch.hear(lease("other", 9, 4), 0, 0);
    watch.hear(lease("other", 9, 5), 2_000, 2_000);
    for (let nowMs = 4_000; nowMs < 20_000; nowMs += 2_000) {
      watch.hear(lease("other", 9, 5), nowMs, nowMs);
      expect(watch.silentToken(nowMs)).toBe(0);
    }
    expect(watch.silentToken(20_000)).toBe(9);
    watch.hear(lease("other", 9, 6), 20_000, 20_000);
    expect(watch.silentToken(22_000)).toBe(0);
  });
});
