/**
 * The request says what it is: its path carries its number, its work and its fate, so that neither depends on who passed
 * it on, and a server needs no list.
 */

/** One request as the emulated servers see it. */
export interface Work {
  readonly id: number;
  /** Service time at speed 1, milliseconds; carried in steps of a microsecond. */
  readonly workMs: number;
  /** 0 … 1: a server that fails a share of its requests fails those below that share. Carried in steps of 2^-32. */
  readonly fate: number;
}

const FATE_STEPS = 0x1_0000_0000;
const PATTERN = /^(?:\/[a-z]+)?\/work\/(\d+)\/(\d+)\/(\d+)$/;

/** `/work/<number>/<microseconds>/<fate>`. */
export function workPath({ id, workMs, fate }: Work): string {
  return `/work/${id}/${Math.round(workMs * 1000)}/${Math.floor(fate * FATE_STEPS)}`;
}

/** What a path says, whatever kind of request stands before it, or null when it is of another kind. */
export function parseWorkPath(path: string): Work | null {
  const found = PATTERN.exec(path);
  if (found === null) return null;
  return { id: Number(found[1]), workMs: Number(found[2]) / 1000, fate: Number(found[3]) / FATE_STEPS };
}
