/** A seeded pseudo-random generator. Not for secrets. */
export interface Random {
  /** Uniform in [0, 1), in steps of 2^-32. Needs no `this`: may be passed on as a function. */
  readonly next: () => number;
  /** Uniform in 0 … 2^32-1. Needs no `this` either. */
  readonly nextUint32: () => number;
}

/**
 * sfc32 (Chris Doty-Humphrey's Small Fast Counter, PractRand): 128 bits of state of which 32 are a counter, so no seed
 * leads into a short cycle. The same seed gives the same numbers on every machine.
 */
export function seededRandom(seed: number): Random {
  let a = 0;
  let b = seed | 0;
  let c = (seed / 0x1_0000_0000) | 0; // seeds above 2^32 count with their high bits too
  let counter = 1;

  const nextUint32 = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return sum >>> 0;
  };
  for (let i = 0; i < 12; i++) nextUint32(); // the author's warm-up: similar seeds part ways

  return { nextUint32, next: () => nextUint32() / 0x1_0000_0000 };
}
