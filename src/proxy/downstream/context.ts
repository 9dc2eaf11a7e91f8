/** What all client connections of one worker share, whatever protocol they speak. server.ts fills it. */
import type { Exchanges } from "../exchange/downstream.ts";
import type { RawSocket } from "../sockets/raw-socket.ts";
import type { WorkerContext } from "../worker-context.ts";
import type { AdminRelay } from "./admin-relay.ts";
import type { ClientConnection } from "./client-connection.ts";
import type { Entrance } from "./entrance.ts";
import type { HeadMemory } from "./http2/head-coding.ts";
import type { PeerCache } from "./peer-cache.ts";

/** One worker's parts that face its clients. */
export interface DownstreamContext extends WorkerContext {
  peers: PeerCache;
  /** Asks the control process, for the paths that it answers. */
  readonly admin: AdminRelay;
  readonly exchanges: Exchanges;
  /** What connections of HTTP/2 share. */
  readonly http2: HeadMemory;
  /**
   * The client at the other end of `socket`, whom `from` has been until now, speaks HTTP/2.
   * @returns who has the socket, and its place among the clients, from here on.
   */
  readonly speakHttp2: (
    from: ClientConnection,
    socket: RawSocket,
    entrance: Entrance,
    shed: boolean,
    nowMs: number,
  ) => ClientConnection;
  /** A client's connection ended. */
  readonly onClientGone: (client: ClientConnection) => void;
}
