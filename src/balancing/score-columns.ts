/**
 * The columns of a score table: one for each number of requests in flight up to 31, then eight in every octave. So a
 * table has a fixed size whatever the load, and its steps stay below a tenth.
 */
import { SCORE_COLUMNS } from "../shared/memory/layout/learning.ts";

const EXACT = 32;
const PER_OCTAVE = 8;
/** Six: the last column stands for 1920 requests in flight and more. */
const OCTAVES = (SCORE_COLUMNS - EXACT) / PER_OCTAVE;

/** The column of a server with `inFlight` requests (those before the one to be placed). */
export function columnOf(inFlight: number): number {
  if (inFlight < EXACT) return Math.max(inFlight, 0);
  const octave = 26 - Math.clz32(inFlight); // 32 … 63 is the first
  if (octave >= OCTAVES) return SCORE_COLUMNS - 1;
  return EXACT + octave * PER_OCTAVE + ((inFlight >> (octave + 2)) & (PER_OCTAVE - 1));
}

/** The least number in flight of a column: what its scores are computed for. */
export function columnLoad(column: number): number {
  if (column < EXACT) return column;
  const octave = ((column - EXACT) / PER_OCTAVE) | 0;
  return (PER_OCTAVE + ((column - EXACT) & (PER_OCTAVE - 1))) << (octave + 2);
}
