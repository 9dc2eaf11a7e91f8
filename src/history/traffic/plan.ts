/**
 * Which counts answer for a span of time: hours in the middle, minutes and seconds at its edges, by what is kept of each.
 * Where nothing finer is kept any more, an edge moves outwards to the next step, and the answer says so.
 */
import { type HistorySpan, RESOLUTIONS, type Resolution } from "../../storage/history-store.ts";
import { ceilTo, floorTo, STEP_MS } from "../steps.ts";

/** What there is of each. */
export type Spans = Readonly<Record<Resolution, HistorySpan>>;

/** A piece of time that counts of one resolution answer for. */
export interface Piece {
  readonly resolution: Resolution;
  readonly sinceMs: number;
  readonly untilMs: number;
}

/** Pieces one after the other that do not overlap; between two of them nothing is kept. */
export interface Plan {
  readonly pieces: readonly Piece[];
  /** What is answered for: whole seconds, what was asked or more. */
  readonly sinceMs: number;
  readonly untilMs: number;
}

/** Which counts to read. @param coarsest the longest step that may be used. */
export function planPieces(sinceMs: number, untilMs: number, coarsest: Resolution, spans: Spans): Plan {
  const usable = usableOf(coarsest, spans);
  const end = ceilTo(untilMs, "second");
  const pieces: Piece[] = [];
  for (let at = floorTo(sinceMs, "second"); at < end; ) {
    const complete = usable.filter(({ resolution, fromMs }) => fromMs <= floorTo(at, resolution));
    if (complete.length === 0) {
      if (usable.length === 0) break;
      at = Math.min(...usable.map(({ fromMs }) => fromMs)); // nothing is kept of the time before
      continue;
    }
    const piece = aligned(at, end, complete, usable) ?? outwards(at, complete[0].resolution);
    append(pieces, piece);
    at = piece.untilMs;
  }
  return {
    pieces,
    sinceMs: Math.min(floorTo(sinceMs, "second"), pieces[0]?.sinceMs ?? Number.POSITIVE_INFINITY),
    untilMs: Math.max(end, pieces.at(-1)?.untilMs ?? Number.NEGATIVE_INFINITY),
  };
}

interface Usable {
  readonly resolution: Resolution;
  /** All is there from then on; -Infinity = all that was ever counted. */
  readonly fromMs: number;
}

/** The finest first. */
function usableOf(coarsest: Resolution, spans: Spans): Usable[] {
  return RESOLUTIONS.slice(0, RESOLUTIONS.indexOf(coarsest) + 1).flatMap((resolution) => {
    const { oldestMs } = spans[resolution];
    if (oldestMs === null) return [];
    return [{ resolution, fromMs: reachesBack(oldestMs, spans) ? Number.NEGATIVE_INFINITY : oldestMs }];
  });
}

/**
 * The first moment of which anything was counted, as exactly as it is known: an hour's row begins at the hour, whenever
 * counting began in it. `null` = nothing was counted yet.
 */
export function countedSince(spans: Spans): number | null {
  for (const resolution of RESOLUTIONS) {
    const { oldestMs } = spans[resolution];
    if (oldestMs !== null && reachesBack(oldestMs, spans)) return oldestMs;
  }
  return null;
}

/** Do no other counts tell of a time before `oldestMs`? */
function reachesBack(oldestMs: number, spans: Spans): boolean {
  return RESOLUTIONS.every((other) => {
    const otherMs = spans[other].oldestMs;
    return otherMs === null || otherMs >= floorTo(oldestMs, other);
  });
}

/** The coarsest steps that begin at `at` and end before `end`; up to where still coarser ones begin. */
function aligned(at: number, end: number, complete: readonly Usable[], usable: readonly Usable[]): Piece | null {
  const fits = ({ resolution }: Usable) => floorTo(at, resolution) === at && at + STEP_MS[resolution] <= end;
  const chosen = complete.findLast(fits);
  if (chosen === undefined) return null;
  const { resolution } = chosen;
  const limits = usable
    .slice(usable.indexOf(chosen) + 1)
    .map((coarser) => ({ ...coarser, begin: Math.max(ceilTo(at + 1, coarser.resolution), coarser.fromMs) }))
    .filter((coarser) => coarser.begin + STEP_MS[coarser.resolution] <= end)
    .map(({ begin }) => begin);
  return { resolution, sinceMs: at, untilMs: Math.min(floorTo(end, resolution), ...limits) };
}

/** The one step around `at`, of which less was asked for. */
function outwards(at: number, resolution: Resolution): Piece {
  const sinceMs = floorTo(at, resolution);
  return { resolution, sinceMs, untilMs: sinceMs + STEP_MS[resolution] };
}

function append(pieces: Piece[], piece: Piece): void {
  const last = pieces.at(-1);
  if (last?.resolution !== piece.resolution || last.untilMs !== piece.sinceMs) pieces.push(piece);
  else pieces[pieces.length - 1] = { ...last, untilMs: piece.untilMs };
}
