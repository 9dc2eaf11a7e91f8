/** Waiting in tests: for conditions, never for a time. */

/** Long enough for a machine that has other work; a test that passes never waits for it. */
export const DEADLINE_MS = 60_000;

/** Polls until `condition` returns something true, and returns that. Throws after `deadlineMs`. */
export async function until<T>(condition: () => T | Promise<T>, deadlineMs = DEADLINE_MS): Promise<NonNullable<T>> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (performance.now() > end) throw new Error(`still not so after ${deadlineMs} ms: ${condition}`);
    await Bun.sleep(10);
  }
}

/** Polls until `check` passes; its last error is thrown after `deadlineMs`. */
export async function eventually(check: () => unknown, deadlineMs = DEADLINE_MS): Promise<void> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    try {
      await check();
      return;
    } catch (error) {
      if (performance.now() > end) throw error;
      await Bun.sleep(10);
    }
  }
}
