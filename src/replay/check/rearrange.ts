/** What went wrong with a fleet, put together anew of pieces of time (a block bootstrap: Kunsch 1989). */
import type { Absence, FittedFleet, FittedServer } from "../fleet.ts";

/** Pieces of a fleet's time: long enough that what belongs together stays together. */
const PIECES = 4;

/** Of works there are more than of pieces of time: one that is short may still be many requests. */
const BLOCKS = 32;

/** A piece of time of the fit, and where it is put. */
interface Piece {
  readonly fromMs: number;
  readonly atMs: number;
  readonly lengthMs: number;
}

/** The fleet over `durationMs`, of pieces that are drawn; all servers have the same pieces, so that what befalls several at once still does. */
export function rearranged(fleet: FittedFleet, durationMs: number, random: () => number): FittedFleet {
  const lengthMs = Math.min(fleet.durationMs, durationMs) / PIECES;
  const pieces: Piece[] = [];
  for (let atMs = 0; atMs < durationMs; atMs += lengthMs) {
    pieces.push({ fromMs: random() * (fleet.durationMs - lengthMs), atMs, lengthMs });
  }
  return { ...fleet, durationMs, servers: fleet.servers.map((server) => rearrangedServer(server, pieces)) };
}

/** Works in the order of time, put together anew of blocks: what comes often for a while may come less or more often. */
export function resampled(works: Float64Array, random: () => number): Float64Array {
  const n = works.length;
  const length = Math.ceil(n / BLOCKS);
  const drawn = new Float64Array(n);
  for (let at = 0; at < n; at += length) {
    const from = Math.floor(random() * n);
    for (let i = at; i < Math.min(n, at + length); i++) drawn[i] = works[(from + i - at) % n];
  }
  return drawn;
}

function rearrangedServer(server: FittedServer, pieces: readonly Piece[]): FittedServer {
  return {
    ...server,
    speeds: pieces.flatMap((piece) => phasesIn(server.speeds, piece)),
    failures: pieces.flatMap((piece) => phasesIn(server.failures, piece)),
    absences: pieces.flatMap((piece) => absencesIn(server.absences, piece)),
  };
}

function phasesIn<T extends { readonly fromMs: number }>(phases: readonly T[], { fromMs, atMs, lengthMs }: Piece): T[] {
  const before = phases.findLastIndex((phase) => phase.fromMs <= fromMs);
  const rest = phases.slice(before + 1).filter((phase) => phase.fromMs < fromMs + lengthMs);
  return [
    { ...phases[before], fromMs: atMs },
    ...rest.map((phase) => ({ ...phase, fromMs: phase.fromMs - fromMs + atMs })),
  ];
}

function absencesIn(absences: readonly Absence[], { fromMs, atMs, lengthMs }: Piece): Absence[] {
  return absences
    .filter((absence) => absence.toMs > fromMs && absence.fromMs < fromMs + lengthMs)
    .map((absence) => ({
      fromMs: Math.max(fromMs, absence.fromMs) - fromMs + atMs,
      toMs: Math.min(fromMs + lengthMs, absence.toMs) - fromMs + atMs,
    }));
}
