/**
 * Names that mean this machine: `localhost` is often both 127.0.0.1 and ::1 while the server listens on one of them. That is
 * one server, not two.
 */
import { connect, isIP } from "node:net";
import type { DiscoveredServer } from "../discovered-server.ts";

/** Loopback answers in microseconds or not at all. */
const CONNECT_TIMEOUT_MS = 250;

/** Picks the address to use of a name that means this machine in several ways; the first when it cannot tell. */
export type LoopbackChooser = (addresses: readonly string[], port: number) => Promise<string>;

/**
 * The addresses that are servers of their own. Of a name that is loopback in both families it is one, which stays where it
 * was while its server does not listen at all, as when it restarts.
 * @param known the servers of the last time.
 */
export async function distinctPlaces(
  addresses: readonly string[],
  url: string,
  port: number,
  choose: LoopbackChooser,
  known: readonly DiscoveredServer[],
): Promise<readonly Pick<DiscoveredServer, "address" | "eitherLoopback">[]> {
  const local = addresses.every((address) => address === "::1" || address.startsWith("127."));
  const both = new Set(addresses.map(isIP)).size === 2;
  if (!local || !both) return addresses.map((address) => ({ address }));
  const last = known.find((server) => server.url === url && addresses.includes(server.address))?.address;
  const inOrder = last === undefined ? addresses : [last, ...addresses.filter((address) => address !== last)];
  return [{ address: await choose(inOrder, port), eitherLoopback: true }];
}

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
