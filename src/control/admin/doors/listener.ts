/** Opens the doors to the admin API. */

import { listenersOn } from "../../port-listeners.ts";
import type { AccessPolicy } from "../access/policy.ts";
import type { AdminApi, Door } from "../api.ts";
import { MAX_DROPPED_BYTES } from "../input.ts";
import { type Gate, type GateTls, openGate } from "./gate.ts";
import { InnerDoors } from "./inner-doors.ts";

/** For a socket of the file system: the gate before it watches its clients, and workers are ours. */
const IDLE_TIMEOUT_SECONDS = 60;

/** An open door. */
export interface AdminListener {
  /** 0 for a socket. */
  readonly port: number;
  /** Closes it with all its connections. */
  stop(): Promise<void>;
}

/** The admin port's. */
export interface AdminPortListener extends AdminListener, Pick<Gate, "setTls"> {}

/** Listens for the workers on a unix socket. Throws when the path is too long or cannot be made. */
export function listenForWorkers(api: AdminApi, path: string): AdminListener {
  return wrap(serve(api, path, () => ({ kind: "relay" })));
}

/** Where the admin port is, and who may use it. */
export interface AdminPortOptions {
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  /** `null` or left out = plain HTTP. */
  readonly tls?: GateTls | null;
  /** What is asked of requests at the moment. */
  readonly policy: () => AccessPolicy;
  /** Where sockets are made that the port leads to: a number is added. */
  readonly socketPath: string;
  /** Monotonic, milliseconds. */
  readonly nowMs: () => number;
  /** Milliseconds since the epoch. */
  readonly wallMs: () => number;
}

/** Listens on the admin port. Rejects with an `Error` for the operator when that fails. */
export async function listenOnAdminPort(api: AdminApi, options: AdminPortOptions): Promise<AdminPortListener> {
  const { host, port, tls = null, policy, socketPath, nowMs, wallMs } = options;
  const inner = new InnerDoors(socketPath, (path, { address: client, certificate }) =>
    serve(api, path, () => ({ kind: "admin", client, certificate, policy: policy() })),
  );
  try {
    const gate = await openGate({ host, port, tls, nowMs, wallMs }, inner);
    const stop = async (): Promise<void> => {
      await gate.stop();
      await inner.stop();
    };
    return { port: gate.port, setTls: gate.setTls, stop };
  } catch (cause) {
    const taken = (cause as { code?: string }).code === "EADDRINUSE";
    const why = taken
      ? `it is in use by another process${listenersOn(port)}; choose another port, or ADMIN_PORT=0 for none`
      : (cause as Error).message;
    throw new Error(`cannot listen on ADMIN_HOST=${host} ADMIN_PORT=${port}: ${why}`, { cause });
  }
}

function serve(api: AdminApi, path: string, door: () => Door): Bun.Server<undefined> {
  const options = {
    unix: path,
    // What is more is refused by the runtime, which has no words for it. It keeps nothing of a body that nobody reads, so this is
    // no bound of memory: the API itself refuses in words what is more than it takes.
    maxRequestBodySize: MAX_DROPPED_BYTES,
    development: false,
    fetch: (request: Request) => api.handle(request, door()),
  } as const;
  // The types know no idle timeout of a socket in the file system; the runtime does, and 10 s is short between scrapes.
  return Bun.serve({ ...options, idleTimeout: IDLE_TIMEOUT_SECONDS } as typeof options);
}

function wrap(server: Bun.Server<undefined>): AdminListener {
  return { port: server.port ?? 0, stop: () => server.stop(true) };
}
