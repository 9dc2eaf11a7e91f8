/** What a ring of records is made of. */

/**
 * A ring of records of one size; ../ring.ts says how it is written and read. All views are of the same memory,
 * `[rows × words of a record]`.
 */
export interface Ring {
  /** `[0]`: records ever written, modulo 2^32; raised after the record. */
  readonly head: Int32Array;
  readonly words: Int32Array;
  readonly floats: Float32Array;
  readonly figures: Float64Array;
}
