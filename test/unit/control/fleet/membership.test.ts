import { expect, test } from "bun:test";
import fc from "fast-check";
import { compareMembership, identityOf, Seats } from "../../../../src/control/fleet/membership.ts";
import { MAX_SERVERS } from "../../../../src/shared/memory/layout/shared-memory.ts";
import { host } from "./fixtures.ts";

test("seats: slots come back, ids never do, and the table has an end", () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 300 }), (arrivals) => {
      const seats = new Seats();
      const taken: number[] = [];
      let lastId = 0;
      for (const arrives of arrivals) {
        if (!arrives) {
          const slot = taken.pop();
          if (slot !== undefined) seats.release(slot);
          continue;
        }
        const seat = seats.take()!;
        expect(taken).not.toContain(seat.slot);
        expect(seat.id).toBeGreaterThan(lastId);
        lastId = seat.id;
        taken.push(seat.slot);
      }
    }),
  );
  const full = new Seats();
  for (let i = 0; i < MAX_SERVERS; i++) expect(full.take()).toBeDefined();
  expect(full.take()).toBeUndefined();
});

test("every server is added, kept or removed, once", () => {
  const server = (n: number) => {
    const spec = host(`10.0.0.${n}`, 80);
    return { spec, url: spec.url, hostname: spec.host, address: spec.host, port: 80, weight: 1 };
  };
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(9)), fc.array(fc.nat(9)), (before, after) => {
      const members = new Map(before.map((n) => [identityOf(server(n)), n]));
      const { added, kept, removed } = compareMembership(members, after.map(server));
      const wanted = new Set(after);
      expect(added.map((s) => s.address)).toEqual(
        [...wanted].filter((n) => !before.includes(n)).map((n) => `10.0.0.${n}`),
      );
      expect(kept.map(([n]) => n).sort()).toEqual(before.filter((n) => wanted.has(n)).sort());
      expect([...removed].sort()).toEqual(before.filter((n) => !wanted.has(n)).sort());
    }),
  );
});
