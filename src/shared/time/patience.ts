/** Waiting for what may never come. */

/** The last part of the wait, milliseconds, in which what came while this process stood still is read. */
const LAST_MS = 25;

/**
 * What `answer` gives, or, when it has not come after `patienceMs` (more than 25), what `onLate` does. Rejects as `answer` does, or
 * with what `onLate` throws. A process that stood still itself for all that time first reads what came meanwhile: that may take several
 * turns of the loop. What comes too late, or fails then, is nobody's.
 */
export async function withPatience<T>(answer: Promise<T>, patienceMs: number, onLate: () => T): Promise<T> {
  const late = Promise.withResolvers<void>();
  let timer = setTimeout(() => {
    timer = setTimeout(late.resolve, LAST_MS);
  }, patienceMs - LAST_MS);
  try {
    return await Promise.race([answer, late.promise.then(onLate)]);
  } finally {
    clearTimeout(timer);
  }
}
