/**
 * The sockets behind the admin port: one for each address that clients come from, and certificate that they show, because the runtime's server knows of a
 * request which listener it came to, and nothing else of its client. There are few more than there are connections.
 */
import type { GateClient, Inside } from "./gate.ts";

/** Doors that nobody uses any more are kept for the next connection, up to so many. */
const MAX_IDLE = 4;

/** A server at a unix socket. */
interface InnerServer {
  stop(closeActiveConnections?: boolean): unknown;
}

interface InnerDoor {
  readonly path: string;
  readonly server: InnerServer;
  connections: number;
}

/** One admin port's. */
export class InnerDoors implements Inside {
  readonly #path: string;
  readonly #serve: (path: string, client: GateClient) => InnerServer;
  readonly #doors = new Map<string, InnerDoor>();
  /** Clients without a connection, the one that was here longest ago first. */
  readonly #idle = new Set<string>();
  #opened = 0;

  /** @param serve serves at a path what such a client asks. */
  constructor(path: string, serve: (path: string, client: GateClient) => InnerServer) {
    this.#path = path;
    this.#serve = serve;
  }

  open(client: GateClient): string {
    const key = keyOf(client);
    const door = this.#doors.get(key) ?? this.#open(client, key);
    this.#idle.delete(key);
    door.connections++;
    return door.path;
  }

  close(client: GateClient): void {
    const key = keyOf(client);
    const door = this.#doors.get(key);
    if (door === undefined || --door.connections > 0) return;
    this.#idle.add(key);
    if (this.#idle.size <= MAX_IDLE) return;
    for (const oldest of this.#idle) {
      void this.#doors.get(oldest)?.server.stop(true);
      this.#doors.delete(oldest);
      this.#idle.delete(oldest);
      return;
    }
  }

  /** Closes all. */
  async stop(): Promise<void> {
    const servers = [...this.#doors.values()].map(({ server }) => server);
    this.#doors.clear();
    this.#idle.clear();
    await Promise.all(servers.map((server) => server.stop(true)));
  }

  #open(client: GateClient, key: string): InnerDoor {
    const path = `${this.#path}.${++this.#opened}`;
    const door = { path, server: this.#serve(path, client), connections: 0 };
    this.#doors.set(key, door);
    return door;
  }
}

function keyOf({ address, certificate }: GateClient): string {
  return `${address} ${certificate ?? ""}`;
}
