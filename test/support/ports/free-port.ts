/**
 * Ports for what is told where to listen, or where nobody does. One that the system gave to a listener that was closed again
 * is the next one's who asks: another test's server, or a connection's, while a program still starts. These are of a range
 * that the system gives to nobody by itself, and one of this run or of another on this machine that has one keeps it.
 */
const FIRST = 10_000;
/** Linux gives away those from 32768 on (`ip_local_port_range`). */
const COUNT = 22_000;
/** Clients as browsers are refuse to go there (the Fetch standard's bad ports). */
const AMANDA = 10_080;

/** Where nobody listens, and what nobody is given who asks for any port: a server there refuses connections. */
export const REFUSING_PORT = 1;

const socket = { data() {} };
/** They end with the process, and with them that its ports are its own. */
const locks: unknown[] = [];

/** A port of the loopback interface on which nobody listens, and that no other call returns while this process lives. */
export function freePort(): number {
  for (let tries = 0; tries < COUNT; tries++) {
    const port = FIRST + Math.floor(Math.random() * COUNT);
    if (port === AMANDA) continue;
    // A name that Linux keeps for one alone, until the process has ended, however it ends.
    const lock = ifFree(() => Bun.listen({ unix: `\0neurabalancer-test-port-${port}`, socket }));
    if (lock === null) continue;
    const probe = ifFree(() => Bun.listen({ hostname: "127.0.0.1", port, socket }));
    if (probe === null) {
      lock.stop(true);
      continue;
    }
    probe.stop(true);
    lock.unref();
    locks.push(lock);
    return port;
  }
  throw new Error("no port is free");
}

/** `null` = it is taken. */
function ifFree<Listener>(listen: () => Listener): Listener | null {
  try {
    return listen();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") return null;
    throw error;
  }
}
