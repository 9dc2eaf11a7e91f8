/** Time, so far as a buffered store needs it to pass. */

/** Does `work` in `delayMs` milliseconds; what it returns takes that back. */
export type Later = (delayMs: number, work: () => void) => () => void;

/** In real time. Does not keep the process from ending. */
export const later: Later = (delayMs, work) => {
  const timer = setTimeout(work, delayMs);
  timer.unref();
  return () => clearTimeout(timer);
};

/** What `promise` becomes, or what `late` returns or throws when that takes longer than `delayMs`. */
export async function within<T>(promise: Promise<T>, delayMs: number, wait: Later, late: () => T): Promise<T> {
  let cancel = (): void => {};
  const limit = new Promise<void>((resolve) => {
    cancel = wait(delayMs, resolve);
  });
  try {
    return await Promise.race([promise, limit.then(late)]);
  } finally {
    cancel();
  }
}
