/** Which lines come again and again, of all connections of a worker: only those are worth a place in a table. */

/** A power of two: as many different lines as a busy worker sends within a moment. */
const SLOTS = 1024;

/** What was seen lately, by hash: one that is taken for another costs its place in a table, and nothing else. */
export class RecurringLines {
  readonly #hashes = new Int32Array(SLOTS);

  /** Whether a line with this hash was seen before. It has been from here on. */
  note(hash: number): boolean {
    const slot = hash & (SLOTS - 1);
    const known = this.#hashes[slot] === hash;
    this.#hashes[slot] = hash;
    return known;
  }
}
