import { expect, test } from "bun:test";
import { CURVE_GUESSES, ServerCurves } from "../../../../src/learning/features/server-curves.ts";
import { seeded } from "../../../support/networks.ts";

const SLOTS = Int32Array.of(0, 1);

/** Two servers of so many workers; the second takes four times as long. */
function respond(curves: ServerCurves, size: number, responses: number): void {
  const random = seeded(1);
  for (let i = 0; i < responses; i++) {
    for (const slot of SLOTS) {
      const inFlight = Math.floor(random() * 4 * size);
      const unloadedMs = slot === 0 ? 10 : 40;
      const latencyMs = unloadedMs * Math.max(1, (inFlight + 1) / size) * (0.5 + random());
      curves.observe(slot, latencyMs, inFlight, 50, i);
    }
  }
}

function expected(curves: ServerCurves, slot: number, inFlight: number, nowMs: number): number {
  curves.begin(SLOTS, SLOTS.length, nowMs);
  curves.select(slot);
  return curves.expectedMs(inFlight);
}

test("who has seen nothing of a server knows its size and its speed from others, relative to the fleet's", () => {
  const other = new ServerCurves(2);
  respond(other, 4, 1000);
  const fresh = new ServerCurves(2);
  for (const slot of SLOTS) {
    const nats = new Float64Array(CURVE_GUESSES);
    const ratio = other.evidence(slot, 1000, nats);
    expect(ratio).toBeWithin(slot === 0 ? 0.3 : 1.3, slot === 0 ? 0.6 : 1.9);
    fresh.hear(slot, nats, ratio);
  }
  // Which server is the faster one, and from which load on latency rises.
  expect(expected(fresh, 1, 0, 0) / expected(fresh, 0, 0, 0)).toBeWithin(3, 5);
  expect(expected(fresh, 0, 15, 0) / expected(fresh, 0, 0, 0)).toBeWithin(3, 5);
  for (const slot of SLOTS) fresh.hear(slot, null, Number.NaN);
  expect(expected(fresh, 1, 0, 0)).toBe(expected(fresh, 0, 0, 0));
});

test("a few responses count for more than what others have said, whatever they say", () => {
  const curves = new ServerCurves(2);
  const lie = new Float64Array(CURVE_GUESSES).fill(1e9);
  lie[0] = 0;
  for (const slot of SLOTS) curves.hear(slot, lie, slot === 0 ? 1e9 : Number.NaN);
  respond(curves, 4, 1000);
  expect(expected(curves, 0, 0, 1000)).toBeWithin(7, 20);
  expect(expected(curves, 0, 15, 1000) / expected(curves, 0, 0, 1000)).toBeWithin(3, 6);
});

test("who has heard nothing tells nothing", () => {
  const nats = new Float64Array(CURVE_GUESSES).fill(7);
  expect(new ServerCurves(2).evidence(0, 5, nats)).toBeNaN();
  expect(nats).toEqual(new Float64Array(CURVE_GUESSES));
});
