/** Which of this machine's own addresses a server listens on. */
import { connect } from "node:net";

/** Loopback answers in microseconds or not at all. */
const CONNECT_TIMEOUT_MS = 250;

/** The first of `addresses` that accepts a connection on `port`; the first of all when none does. */
export async function firstListening(addresses: readonly string[], port: number): Promise<string> {
  for (const address of addresses) if (await accepts(address, port)) return address;
  return addresses[0];
}

function accepts(host: string, port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ host, port });
  const finish = (accepted: boolean): void => {
    clearTimeout(timer);
    socket.destroy();
    resolve(accepted);
  };
  const timer = setTimeout(() => finish(false), CONNECT_TIMEOUT_MS);
  socket.on("connect", () => finish(true));
  socket.on("error", () => finish(false));
  return promise;
}
