import { expect, test } from "bun:test";
import { SIZE_GUESSES, SizeBelief } from "../../../../src/learning/limits/size-belief.ts";
import { seeded } from "../../../support/networks.ts";

const SLOTS = Int32Array.of(0, 1);

/** Lets a server of so many workers respond, at loads up to four times that. */
function respond(belief: SizeBelief, slot: number, size: number, responses: number, seed = 1): void {
  const random = seeded(seed);
  for (let i = 0; i < responses; i++) {
    const inFlight = Math.floor(random() * 4 * size);
    const latencyMs = 20 * Math.max(1, (inFlight + 1) / size) * (0.5 + random());
    belief.observe(slot, latencyMs, inFlight, 40, i);
  }
}

function sizeOf(belief: SizeBelief, slot: number, nowMs: number): number {
  belief.begin(SLOTS, SLOTS.length, nowMs);
  belief.select(slot);
  return belief.sizeBelow(0.9);
}

function told(belief: SizeBelief, slot: number, nowMs: number): Float64Array {
  const nats = new Float64Array(SIZE_GUESSES);
  belief.evidence(slot, nowMs, nats);
  return nats;
}

test("who has seen nothing believes what others have seen, and forgets it when they say nothing more", () => {
  const other = new SizeBelief(2);
  respond(other, 0, 6, 2000);
  const nats = told(other, 0, 2000);
  expect(Math.min(...nats)).toBe(0);
  const fresh = new SizeBelief(2);
  expect(sizeOf(fresh, 0, 0)).toBe(Number.POSITIVE_INFINITY);
  for (const slot of SLOTS) fresh.hear(slot, nats);
  expect(sizeOf(fresh, 0, 0)).toBeWithin(6, 9);
  for (const slot of SLOTS) fresh.hear(slot, null);
  expect(sizeOf(fresh, 0, 0)).toBe(Number.POSITIVE_INFINITY);
});

test("what was seen here counts for more than any lie of others", () => {
  const belief = new SizeBelief(2);
  respond(belief, 0, 12, 2000);
  respond(belief, 1, 12, 2000);
  const lie = new Float64Array(SIZE_GUESSES).fill(1e6);
  lie[0] = 0; // it can do one request at once
  for (const slot of SLOTS) belief.hear(slot, lie);
  expect(sizeOf(belief, 0, 2000)).toBeWithin(12, 17);
});

test("evidence is of what was seen here alone: it does not go round", () => {
  const belief = new SizeBelief(2);
  respond(belief, 0, 6, 2000);
  const before = told(belief, 0, 2000);
  belief.hear(0, new Float64Array(SIZE_GUESSES).fill(9));
  expect(told(belief, 0, 2000)).toEqual(before);
  expect(told(belief, 1, 2000)).toEqual(new Float64Array(SIZE_GUESSES));
});
