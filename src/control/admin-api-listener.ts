/** Opens the doors to the admin API. */
import type { AdminApi, Door } from "./admin-api.ts";
import { isLoopback } from "./admin-api-guard.ts";

const MAX_BODY_BYTES = 64 * 1024;
const IDLE_TIMEOUT_SECONDS = 30;
/** How long `stop` waits for answers that are under way. */
const STOP_WAIT_MS = 1_000;

/** An open door. */
export interface AdminListener {
  /** 0 for a socket. */
  readonly port: number;
  stop(): Promise<void>;
}

/** Listens for the workers on a unix socket. Throws when the path is too long or cannot be made. */
export function listenForWorkers(api: AdminApi, path: string): AdminListener {
  return wrap(Bun.serve({ unix: path, ...common(api, { kind: "relay" }) }));
}

export interface AdminPortOptions {
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  readonly token: string | null;
}

/** Listens on the admin port. Throws an `Error` for the operator when that fails. */
export function listenOnAdminPort(api: AdminApi, { host, port, token }: AdminPortOptions): AdminListener {
  const door: Door = { kind: "admin", token, loopbackOnly: isLoopback(host) };
  try {
    return wrap(
      Bun.serve({ hostname: host, port, reusePort: false, idleTimeout: IDLE_TIMEOUT_SECONDS, ...common(api, door) }),
    );
  } catch (cause) {
    const why = (cause as { code?: string }).code === "EADDRINUSE" ? "it is in use" : (cause as Error).message;
    throw new Error(`cannot listen on ADMIN_HOST=${host} ADMIN_PORT=${port}: ${why}`, { cause });
  }
}

function common(api: AdminApi, door: Door) {
  return {
    maxRequestBodySize: MAX_BODY_BYTES,
    development: false,
    fetch: (request: Request) => api.handle(request, door),
  } as const;
}

function wrap(server: Bun.Server<undefined>): AdminListener {
  return {
    port: server.port ?? 0,
    stop: async () => {
      await Promise.race([server.stop(false), Bun.sleep(STOP_WAIT_MS)]);
      await server.stop(true);
    },
  };
}
