/** Opens the doors to the admin API. */
import type { AdminApi, Door } from "./admin-api.ts";
import { isLoopback } from "./admin-api-guard.ts";
import { listenersOn } from "./supervisor-port-listeners.ts";

const MAX_BODY_BYTES = 64 * 1024;
const IDLE_TIMEOUT_SECONDS = 30;

/** An open door. */
export interface AdminListener {
  /** 0 for a socket. */
  readonly port: number;
  /** Closes it with all its connections. */
  stop(): Promise<void>;
}

/** Listens for the workers on a unix socket. Throws when the path is too long or cannot be made. */
export function listenForWorkers(api: AdminApi, path: string): AdminListener {
  return wrap(Bun.serve({ unix: path, ...common(api, () => ({ kind: "relay" })) }));
}

/** Where the admin port is, and who may use it. */
export interface AdminPortOptions {
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  /** The token at the moment of a request; `null` = none is asked for. */
  readonly token: () => string | null;
}

/** Listens on the admin port. Throws an `Error` for the operator when that fails. */
export function listenOnAdminPort(api: AdminApi, { host, port, token }: AdminPortOptions): AdminListener {
  const loopbackOnly = isLoopback(host);
  const door = (): Door => ({ kind: "admin", token: token(), loopbackOnly });
  try {
    return wrap(
      Bun.serve({ hostname: host, port, reusePort: false, idleTimeout: IDLE_TIMEOUT_SECONDS, ...common(api, door) }),
    );
  } catch (cause) {
    const taken = (cause as { code?: string }).code === "EADDRINUSE";
    const why = taken
      ? `it is in use by another process${listenersOn(port)}; choose another port, or ADMIN_PORT=0 for none`
      : (cause as Error).message;
    throw new Error(`cannot listen on ADMIN_HOST=${host} ADMIN_PORT=${port}: ${why}`, { cause });
  }
}

function common(api: AdminApi, door: () => Door) {
  return {
    maxRequestBodySize: MAX_BODY_BYTES,
    development: false,
    fetch: (request: Request) => api.handle(request, door()),
  } as const;
}

function wrap(server: Bun.Server<undefined>): AdminListener {
  return { port: server.port ?? 0, stop: () => server.stop(true) };
}
