/** The kinds of sockets that the proxy has, for their contract: each as it is accepted and, where there are such, as it is dialled. */
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { Network } from "../../../../src/proxy/sockets/network.ts";
import type { Listening, RawSocket } from "../../../../src/proxy/sockets/raw-socket.ts";
import type { TlsListening } from "../../../../src/proxy/sockets/runtime/tls-listening.ts";
import { Tcp } from "../../../../src/proxy/sockets/tcp.ts";
import { TimerWheel } from "../../../../src/proxy/sockets/timer-wheel.ts";
import { type Authority, type Certificate, createAuthority } from "../../../support/certificates.ts";
import { TEST_SETTINGS } from "../../../support/proxy-settings.ts";
import { until } from "../../../support/until.ts";
import { Wire } from "../../../support/wire.ts";
import { Recorder } from "./recorder.ts";
import type { Pair, RestOfReset, SocketKind } from "./socket-contract.ts";

const HOST = "127.0.0.1";
/** Agreed on by ALPN. */
const PROTOCOL = "test/1";
const now = (): number => performance.now();

/** Made when it is first asked for. */
export function authority(): { readonly root: Authority; readonly server: Certificate; readonly other: Certificate } {
  if (certificates === undefined) {
    const root = createAuthority();
    certificates = { root, server: root.issue("DNS:shop.test"), other: root.issue("DNS:blog.test") };
  }
  return certificates;
}

let certificates: { root: Authority; server: Certificate; other: Certificate } | undefined;
let tcp: Tcp | undefined;
const errors: unknown[] = [];

/** A network of our own sockets, or of the runtime's; what its handlers throw goes to `errors`. */
export function networkOf(own: boolean): { readonly network: Network; readonly errors: unknown[] } {
  const onInternalError = (error: unknown): void => void errors.push(error);
  if (own) tcp ??= new Tcp(now, 1, onInternalError, true);
  return { network: new Network(own ? (tcp ?? null) : null, { now, onInternalError }), errors };
}

/** How to listen with TLS: one certificate is Bun's, several are node:tls's. */
export function tlsListening(count: 1 | 2): TlsListening {
  const { server, other } = authority();
  const named = ({ cert, key }: Certificate, name: string) => ({ certPem: cert, keyPem: key, names: [name] });
  return {
    certificates: [named(server, "shop.test"), named(other, "blog.test")].slice(0, count),
    challenges: null,
    protocols: [PROTOCOL],
    terms: TEST_SETTINGS.clientTls,
    epochMs: () => Date.now(),
    wheel: new TimerWheel(now()),
    handshakeTimeoutMs: () => 60_000,
    lastBytesTimeoutMs: () => 60_000,
    onHandshakeFailed: () => {},
  };
}

/** What a kind is by its nature, in either role. */
export interface Nature {
  readonly tellsEndAhead: boolean;
  readonly restOfReset: RestOfReset;
}

/** Sockets that come in through a listener. */
export function accepted(name: string, own: boolean, tls: (() => TlsListening) | null, nature: Nature): SocketKind {
  const users: Recorder[] = [];
  const peers: Wire[] = [];
  let listening: Listening | undefined;
  return {
    ...nature,
    name: `${name}, accepted`,
    address: HOST,
    greeting: tls === null ? [] : [`handshake ${PROTOCOL}`],
    errors,
    start() {
      const take = (socket: RawSocket): Recorder => {
        const user = new Recorder();
        user.socket = socket;
        users.push(user);
        return user;
      };
      listening = networkOf(own).network.listen(HOST, 0, tls?.() ?? null, take);
    },
    async open(): Promise<Pair> {
      const port = listening?.port ?? 0;
      const index = users.length;
      const named = { servername: "shop.test", ALPNProtocols: [PROTOCOL] };
      const peer = tls === null ? await Wire.connect(port) : await Wire.connectTls(port, named);
      peers.push(peer);
      const user = await until(() => users[index]);
      if (tls !== null) await until(() => user.heard.length > 0);
      return { user, peer };
    },
    clean() {
      for (const { socket } of users) socket?.terminate();
      for (const peer of peers.splice(0)) peer.destroy();
    },
    stop: () => listening?.stop(),
  };
}

/** Sockets that are connected to a server. */
export function dialled(name: string, own: boolean, tls: boolean, nature: Nature): SocketKind {
  const users: Recorder[] = [];
  const peers: Wire[] = [];
  let server: Server | undefined;
  let port = 0;
  return {
    ...nature,
    name: `${name}, dialled`,
    address: own ? "" : HOST,
    greeting: own || tls ? ["begun", "opened"] : ["opened"],
    errors,
    async start() {
      const onConnection = (socket: Socket): void => void peers.push(new Wire(socket));
      const { server: certificate } = tls ? authority() : { server: undefined };
      server = certificate
        ? createTlsServer({ ...certificate, allowHalfOpen: true }, onConnection)
        : createServer({ allowHalfOpen: true }, onConnection);
      await new Promise<void>((resolve) => server?.listen(0, HOST, resolve));
      port = (server.address() as { port: number }).port;
    },
    async open(): Promise<Pair> {
      const user = new Recorder();
      users.push(user);
      const index = peers.length;
      const target = tls
        ? {
            hostname: "shop.test",
            serverName: "shop.test",
            ca: [authority().root.cert],
            certificate: null,
            protocol: null,
          }
        : null;
      networkOf(own).network.connect(HOST, port, target, user);
      await until(() => user.heard.includes("opened"));
      return { user, peer: await until(() => peers[index]) };
    },
    clean() {
      for (const { socket } of users.splice(0)) socket?.terminate();
      for (const peer of peers) peer.destroy();
    },
    stop: () => void server?.close(),
  };
}
