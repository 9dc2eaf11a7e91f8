/**
 * The admin port's own door: it counts who comes in, which the runtime's server behind it does not. Descriptors and memory
 * of the supervisor are what health checks need, too, so there are only so many connections; each may hold one response that
 * its client does not read.
 */
import { connect, createServer, type Server, type Socket } from "node:net";

/** Most connections at one time. */
export const MAX_ADMIN_CONNECTIONS = 64;
/** A connection on which nothing moves for so long is closed. */
const IDLE_MS = 30_000;
/** How long a client that is turned away has to take its response. */
const REFUSED_MS = 1_000;
/** Most clients that are turned away with a response at one time; more are just closed. */
const MAX_REFUSED = 16;

const BODY = `{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"the admin port has ${MAX_ADMIN_CONNECTIONS} connections already","code":"too_many_connections"}`;
const REFUSAL =
  "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json; charset=utf-8\r\nRetry-After: 1\r\n" +
  `Cache-Control: no-store\r\nConnection: close\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`;

/** An open door. */
export interface Gate {
  readonly port: number;
  /** Closes it with all its connections. */
  stop(): Promise<void>;
}

/** What the gate leads to. */
export interface Inside {
  /** Path of the unix socket for a client at this address, as long as it is not given back. Throws when there can be none. */
  open(client: string): string;
  /** A connection of such a client has ended. */
  close(client: string): void;
}

/** Listens at `host` and `port`, and passes everything on to what is inside. Rejects as `listen` fails. */
export async function openGate(host: string, port: number, inside: Inside): Promise<Gate> {
  const sockets = new Set<Socket>();
  let refused = 0;
  const server = createServer({ allowHalfOpen: true }, (client) => {
    client.on("error", () => {});
    if (sockets.size >= MAX_ADMIN_CONNECTIONS) {
      if (refused >= MAX_REFUSED) {
        client.destroy();
        return;
      }
      refused++;
      client.setTimeout(REFUSED_MS, () => client.destroy());
      client.once("close", () => refused--);
      client.on("data", () => {}); // unread bytes would turn the response into a reset
      client.on("end", () => client.destroy());
      client.end(REFUSAL);
      return;
    }
    const address = addressOf(client);
    const path = pathFor(inside, address);
    if (path === null) {
      client.destroy();
      return;
    }
    sockets.add(client);
    const inner = connect({ path, allowHalfOpen: true });
    inner.on("error", () => {});
    client.once("close", () => {
      sockets.delete(client);
      inner.destroy();
      inside.close(address);
    });
    inner.once("close", () => client.destroy());
    client.setTimeout(IDLE_MS, () => client.destroy());
    client.pipe(inner);
    inner.pipe(client);
  });
  await listening(server, host, port);
  return {
    port: (server.address() as { port: number }).port,
    stop: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Of IPv4 as it is written, also where the listener knows both families. */
function addressOf({ remoteAddress = "" }: Socket): string {
  return remoteAddress.replace(/^::ffff:(?=\d+\.)/i, "");
}

/** `null` = it cannot be made, for want of descriptors or room. */
function pathFor(inside: Inside, client: string): string | null {
  try {
    return inside.open(client);
  } catch {
    return null;
  }
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, () => {
      server.off("error", reject);
      server.on("error", () => {}); // one connection that could not be accepted
      resolve();
    });
  });
}
