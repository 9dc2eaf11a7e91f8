/** Where sockets of the runtime listen. */
import type { AddressInfo, Server } from "node:net";
import type { Listening, TakenOver } from "../raw-socket.ts";

/** At an address, together with other processes; or on a socket that listens already. */
export type ListenPlace = TakenOver | { readonly host: string; readonly port: number };

/** Has a server of node's listen there, at once. Throws when the port cannot be had. */
export function listenAt(server: Server, place: ListenPlace): Listening {
  if ("fd" in place) server.listen({ fd: place.fd });
  else server.listen({ host: place.host, port: place.port, reusePort: true });
  const port = "fd" in place ? place.port : (server.address() as AddressInfo).port;
  // The types do not say so.
  const { fd = -1 } = (server as unknown as { readonly _handle?: { readonly fd?: number } })._handle ?? {};
  return { port, fd, stop: () => void server.close() };
}
