/** What kinds of downstreams over sockets have in common. */
import type { Entrance } from "../../../../../src/proxy/downstream/entrance.ts";
import { Network } from "../../../../../src/proxy/sockets/network.ts";
import type { Listening, OnSocket } from "../../../../../src/proxy/sockets/raw-socket.ts";
import { Tcp } from "../../../../../src/proxy/sockets/tcp.ts";
import { ContractWorker } from "./worker.ts";

/** Where they listen. */
export const HOST = "127.0.0.1";
export const ENTRANCE: Entrance = { secure: false, port: 80, access: null, http2: true, asksCertificates: false };

const now = (): number => performance.now();
let tcp: Tcp | undefined;

/** One event loop for all of a process. What a handler throws is the tests' own doing. */
function ownSockets(): Tcp {
  tcp ??= new Tcp(now, 1, () => {}, true);
  return tcp;
}

/** A worker, and where it listens. @param own our own sockets; else the runtime's. */
export function openOn(
  own: boolean,
  accept: (worker: ContractWorker, ...args: Parameters<OnSocket>) => ReturnType<OnSocket>,
): { readonly worker: ContractWorker; readonly listening: Listening } {
  const sockets = own ? ownSockets() : null;
  const worker = new ContractWorker(sockets, { clientHalfClose: true });
  const network = new Network(sockets, { now, onInternalError: () => {} });
  return { worker, listening: network.listen(HOST, 0, null, (...args) => accept(worker, ...args)) };
}
