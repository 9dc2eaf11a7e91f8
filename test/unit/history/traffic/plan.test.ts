import { describe, expect, test } from "bun:test";
import { type Piece, planPieces, type Spans } from "../../../../src/history/traffic/plan.ts";
import { isoMoment } from "../../../../src/shared/moments.ts";
import type { Resolution } from "../../../../src/storage/history-store.ts";

const HOUR = 3_600_000;
const MINUTE = 60_000;
const day = Date.UTC(2026, 10, 29);

function spans(second: number | null, minute: number | null, hour: number | null): Spans {
  const span = (oldestMs: number | null) => ({ oldestMs, newestMs: oldestMs === null ? null : day + 30 * HOUR });
  return { second: span(second), minute: span(minute), hour: span(hour) };
}

function shown(pieces: readonly Piece[]): string[] {
  return pieces.map(
    ({ resolution, sinceMs, untilMs }) =>
      `${resolution} ${isoMoment(sinceMs).slice(11, 19)} ${isoMoment(untilMs).slice(11, 19)}`,
  );
}

/** All is kept from the beginning of the day. */
const ALL = spans(day, day, day);

describe("which counts answer", () => {
  test("hours in the middle, minutes and seconds at the edges", () => {
    const plan = planPieces(day + 7.5 * HOUR + 30_500, day + 10 * HOUR + 2 * MINUTE + 5_000, "hour", ALL);
    expect(shown(plan.pieces)).toEqual([
      "second 07:30:30 07:31:00",
      "minute 07:31:00 08:00:00",
      "hour 08:00:00 10:00:00",
      "minute 10:00:00 10:02:00",
      "second 10:02:00 10:02:05",
    ]);
  });

  test("nothing coarser than what is asked by", () => {
    const plan = planPieces(day + 7 * HOUR, day + 10 * HOUR, "minute", ALL);
    expect(shown(plan.pieces)).toEqual(["minute 07:00:00 10:00:00"]);
  });

  test("less than a step is the finer ones'", () => {
    expect(shown(planPieces(day + 90_000, day + 110_000, "hour", ALL).pieces)).toEqual(["second 00:01:30 00:01:50"]);
    expect(shown(planPieces(day + 30_000, day + 90_000, "hour", ALL).pieces)).toEqual(["second 00:00:30 00:01:30"]);
  });

  test("an edge of which no seconds are kept moves outwards", () => {
    const plan = planPieces(day + 7.5 * HOUR + 30_000, day + 9 * HOUR, "hour", spans(day + 8 * HOUR, day, day));
    expect(shown(plan.pieces)).toEqual(["minute 07:30:00 08:00:00", "hour 08:00:00 09:00:00"]);
    expect(plan.sinceMs).toBe(day + 7.5 * HOUR);
  });

  test("so does the other end", () => {
    const old = spans(day + 20 * HOUR, day + 19 * HOUR, day);
    const plan = planPieces(day + 1.5 * HOUR, day + 3.5 * HOUR, "hour", old);
    expect(shown(plan.pieces)).toEqual(["hour 01:00:00 04:00:00"]);
    expect(plan.untilMs).toBe(day + 4 * HOUR);
  });

  test("what began in the middle of an hour is not what was deleted", () => {
    const young = spans(day + 7 * HOUR + 90_000, day + 7 * HOUR + MINUTE, day + 7 * HOUR);
    const plan = planPieces(day + 7 * HOUR + 30_000, day + 7 * HOUR + 5 * MINUTE, "hour", young);
    expect(plan.sinceMs).toBe(day + 7 * HOUR + 30_000);
    expect(shown(plan.pieces)).toEqual(["second 07:00:30 07:01:00", "minute 07:01:00 07:05:00"]);
  });

  test("where seconds are kept longest, they answer alone for what is oldest", () => {
    const plan = planPieces(day, day + 10 * HOUR, "hour", spans(day, day + 5 * HOUR, day + 8 * HOUR));
    expect(shown(plan.pieces)).toEqual([
      "second 00:00:00 05:00:00",
      "minute 05:00:00 08:00:00",
      "hour 08:00:00 10:00:00",
    ]);
  });

  test("by the minute, what only hours know of is left out", () => {
    const plan = planPieces(day, day + 10 * HOUR, "minute", spans(day + 9 * HOUR, day + 5 * HOUR, day));
    expect(shown(plan.pieces)).toEqual(["minute 05:00:00 10:00:00"]);
  });

  test("nothing is there", () => {
    expect(planPieces(day, day + HOUR, "hour", spans(null, null, null)).pieces).toEqual([]);
  });

  test("whatever is kept: pieces follow each other, lie on their steps, and hold all that was asked for and is there", () => {
    const step: Record<Resolution, number> = { second: 1_000, minute: MINUTE, hour: HOUR };
    let seed = 7;
    const random = (below: number) => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return seed % below;
    };
    for (let round = 0; round < 3_000; round++) {
      const began = random(10 * 3_600) * 1_000;
      const cut = (unit: number, within: number) => Math.max(0, Math.floor(random(within) / unit)) * unit;
      const oldest: Record<Resolution, number> = {
        second: Math.max(began, cut(1_000, 30 * HOUR)),
        minute: Math.max(Math.floor(began / MINUTE) * MINUTE, cut(MINUTE, 20 * HOUR)),
        hour: Math.max(Math.floor(began / HOUR) * HOUR, cut(HOUR, 10 * HOUR)),
      };
      const sinceMs = random(30 * HOUR);
      const untilMs = sinceMs + 1 + random(20 * HOUR);
      const kept = spans(day + oldest.second, day + oldest.minute, day + oldest.hour);
      const { pieces } = planPieces(day + sinceMs, day + untilMs, "hour", kept);
      let endMs = Number.NEGATIVE_INFINITY;
      for (const piece of pieces) {
        expect(piece.sinceMs).toBeGreaterThanOrEqual(endMs);
        expect(piece.untilMs).toBeGreaterThan(piece.sinceMs);
        expect(piece.sinceMs % step[piece.resolution]).toBe(0);
        expect(piece.untilMs % step[piece.resolution]).toBe(0);
        endMs = piece.untilMs;
      }
      // A second that was asked for is missing only where no resolution has it, nor has the step around it.
      for (let i = 0; i < 40; i++) {
        const atMs = day + sinceMs + random(untilMs - sinceMs);
        const answered = pieces.find((piece) => piece.sinceMs <= atMs && atMs < piece.untilMs);
        if (answered !== undefined) {
          const first = day + oldest[answered.resolution];
          const known = Object.values(oldest).some((ms) => day + ms <= atMs);
          if (known && atMs < first) {
            // What answers has nothing there: nobody had.
            expect(day + Math.min(...Object.values(oldest))).toBeGreaterThanOrEqual(
              Math.floor(atMs / HOUR) * HOUR - HOUR,
            );
          }
          continue;
        }
        expect(Object.values(oldest).every((ms) => day + ms > atMs)).toBe(true);
      }
    }
  });
});
