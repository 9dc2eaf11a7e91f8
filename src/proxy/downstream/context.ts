/** What all client connections of one worker share, whatever protocol they speak. server.ts fills it. */
import type { Exchanges } from "../exchange/downstream.ts";
import type { WorkerContext } from "../worker-context.ts";
import type { AdminRelay } from "./admin-relay.ts";
import type { ClientConnection } from "./client-connection.ts";
import type { PeerCache } from "./peer-cache.ts";

/** One worker's parts that face its clients. */
export interface DownstreamContext extends WorkerContext {
  peers: PeerCache;
  /** Asks the control process, for the paths that it answers. */
  readonly admin: AdminRelay;
  readonly exchanges: Exchanges;
  /** A client's connection ended. */
  readonly onClientGone: (client: ClientConnection) => void;
}
