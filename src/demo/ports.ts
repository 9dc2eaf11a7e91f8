/** Finds ports for the demo's processes. */

/** Random ports are taken from here: below what kernels hand out to outgoing connections (32768 and up on Linux), so
 * that nothing takes the port of a killed server before it is restarted. */
const LOWEST = 20_000;
const HIGHEST = 32_000;

/** True when nothing listens on the port of 127.0.0.1 and we may. */
function isFree(port: number): boolean {
  try {
    Bun.listen({ hostname: "127.0.0.1", port, exclusive: true, socket: { data() {} } }).stop(true);
    return true;
  } catch {
    return false;
  }
}

/**
 * The first of `preferred` that is free and not in `taken`, or else a random free port.
 * Throws when there is none. `random` is uniform in [0, 1).
 */
export function findPort(preferred: readonly number[], taken: ReadonlySet<number>, random: () => number): number {
  for (const port of preferred) {
    if (port > 0 && !taken.has(port) && isFree(port)) return port;
  }
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = LOWEST + Math.floor(random() * (HIGHEST - LOWEST));
    if (!taken.has(port) && isFree(port)) return port;
  }
  throw new Error("no free port on 127.0.0.1");
}
