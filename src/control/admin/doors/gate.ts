/**
 * The admin port's own door: it counts who comes in, which the runtime's server behind it does not, and has the TLS.
 * Descriptors and memory of the supervisor are what health checks need, too, so there are only so many connections,
 * handshakes included; each may hold one response that its client does not read. Who gives way when all are taken: places.ts.
 */
import { connect as connectTo, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import { subjectOf } from "./operator-certificate.ts";
import { Places } from "./places.ts";

/** Most connections at one time. */
export const MAX_ADMIN_CONNECTIONS = 64;
/** A connection on which nothing moves for so long is closed. */
const IDLE_MS = 30_000;
/** How long a client that is turned away has to take its response. */
const REFUSED_MS = 1_000;
/** How long a TLS handshake may take. */
const HANDSHAKE_MS = 10_000;
/** Most clients that are turned away with a response at one time; more are just closed. */
const MAX_REFUSED = 16;

const BODY = `{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"the admin port has ${MAX_ADMIN_CONNECTIONS} connections already","code":"too_many_connections"}`;
const REFUSAL =
  "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json; charset=utf-8\r\nRetry-After: 1\r\n" +
  `Cache-Control: no-store\r\nConnection: close\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`;

/** What TLS needs, as PEM. */
export interface GateTls {
  readonly certPem: string;
  readonly keyPem: string;
  /** Authorities of which clients must show a certificate; `null` = they need none. */
  readonly clientCaPem: string | null;
}

/** Who is at the door. */
export interface GateClient {
  readonly address: string;
  /** Subject of the certificate that it showed and that was verified: `CN=deploy,O=Ops`; `null` = none is asked for. */
  readonly certificate: string | null;
}

/** An open door. */
export interface Gate {
  readonly port: number;
  /** Connections from now on get these. Throws when they cannot be used, and the old ones stay. */
  setTls(tls: GateTls): void;
  /** Closes it with all its connections. */
  stop(): Promise<void>;
}

/** What the gate leads to. */
export interface Inside {
  /** Path of the unix socket for such a client, as long as it is not given back. Throws when there can be none. */
  open(client: GateClient): string;
  /** A connection of such a client has ended. */
  close(client: GateClient): void;
}

/** Where it is. */
export interface GateOptions {
  readonly host: string;
  readonly port: number;
  /** `null` = plain HTTP. */
  readonly tls: GateTls | null;
  /** Monotonic, milliseconds. */
  readonly nowMs: () => number;
  /** Milliseconds since the epoch. */
  readonly wallMs: () => number;
}

/** Listens, and passes everything on to what is inside. Rejects as `listen` fails. */
export async function openGate({ host, port, tls, nowMs, wallMs }: GateOptions, inside: Inside): Promise<Gate> {
  const places = new Places<Socket>(MAX_ADMIN_CONNECTIONS, nowMs);
  let refused = 0;
  let wantsCertificate = tls !== null && tls.clientCaPem !== null;
  /** Counted in, or turned away. */
  const enter = (client: Socket): boolean => {
    client.on("error", () => {});
    const { taken, instead } = places.take(client, addressOf(client));
    instead?.destroy();
    if (taken) {
      client.once("close", () => places.leave(client));
      return true;
    }
    if (tls !== null || refused >= MAX_REFUSED) {
      client.destroy();
      return false;
    }
    refused++;
    client.setTimeout(REFUSED_MS, () => client.destroy());
    client.once("close", () => refused--);
    client.on("data", () => {}); // unread bytes would turn the response into a reset
    client.on("end", () => client.destroy());
    client.end(REFUSAL);
    return false;
  };
  const lead = (socket: Socket, client: GateClient): void => {
    const path = pathFor(inside, client);
    if (path === null) {
      socket.destroy();
      return;
    }
    const inner = connectTo({ path, allowHalfOpen: true });
    inner.on("error", () => {});
    socket.once("close", () => {
      inner.destroy();
      inside.close(client);
    });
    inner.once("close", () => socket.destroy());
    socket.setTimeout(IDLE_MS, () => socket.destroy());
    socket.pipe(inner);
    inner.on("data", () => places.answered(socket));
    inner.pipe(socket);
  };
  let setTls = (_tls: GateTls): void => {};
  let server: Server;
  if (tls === null) {
    server = createServer({ allowHalfOpen: true }, (socket) => {
      if (enter(socket)) lead(socket, { address: addressOf(socket), certificate: null });
    });
  } else {
    const secure = createTlsServer({ ...contextOf(tls), allowHalfOpen: true });
    // In this order: a connection, and the same one again when its handshake is done.
    secure.on("connection", (socket: Socket) => {
      if (enter(socket)) socket.setTimeout(HANDSHAKE_MS, () => socket.destroy());
    });
    secure.on("secureConnection", (socket: TLSSocket) => {
      const certificate = wantsCertificate ? subjectOf(socket, wallMs()) : null;
      if (!places.has(socket) || (wantsCertificate && certificate === null)) socket.destroy();
      else lead(socket, { address: addressOf(socket), certificate });
    });
    secure.on("tlsClientError", () => {}); // the handshake failed: whoever tried knows it
    setTls = (now) => {
      secure.setSecureContext(contextOf(now));
      wantsCertificate = now.clientCaPem !== null;
    };
    server = secure;
  }
  await listening(server, host, port);
  return {
    port: (server.address() as { port: number }).port,
    setTls,
    stop: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of [...places.connections]) socket.destroy();
      await closed;
    },
  };
}

function contextOf({ certPem, keyPem, clientCaPem }: GateTls) {
  const shown = { cert: certPem, key: keyPem, minVersion: "TLSv1.2" } as const;
  return clientCaPem === null ? shown : { ...shown, ca: clientCaPem, requestCert: true, rejectUnauthorized: true };
}

/** Of IPv4 as it is written, also where the listener knows both families. */
function addressOf({ remoteAddress = "" }: Socket): string {
  return remoteAddress.replace(/^::ffff:(?=\d+\.)/i, "");
}

/** `null` = it cannot be made, for want of descriptors or room. */
function pathFor(inside: Inside, client: GateClient): string | null {
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
