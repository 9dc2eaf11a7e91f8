/** What went wrong with a fleet, put together anew of pieces of time (a block bootstrap: Kunsch 1989). */
import type { Absence, FittedFleet, FittedServer } from "../fleet.ts";

/** Pieces of a fleet's time: long enough that what belongs together stays together. */
const PIECES = 4;

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
