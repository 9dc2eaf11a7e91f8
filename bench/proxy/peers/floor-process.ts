/**
 * A relay of bytes on the product's sockets: each client connection gets a connection to the next server, and what comes
 * from one side is written to the other. Arguments: port, TLS port, certificate, key, ports of the servers.
 */
import type { Dialler, RawSocket } from "../../../src/proxy/sockets/raw-socket.ts";
import { keep } from "../../../src/proxy/sockets/receive-memory.ts";
import { Tcp } from "../../../src/proxy/sockets/tcp.ts";

const HOST = "127.0.0.1";
const [port, tlsPort, certFile, keyFile, ...serverPorts] = process.argv.slice(2);
const tcp = new Tcp(
  () => performance.now(),
  25,
  (error) => {
    throw error;
  },
);
let turn = 0;

class Side implements Dialler {
  other: Side | null = null;
  socket: RawSocket | null = null;
  /** What this side has not taken yet. */
  pending: Buffer[] = [];
  readonly wantsRest = false;

  onData(data: Buffer): void {
    this.other?.send(data);
  }

  send(data: Buffer): void {
    if (this.socket === null || this.pending.length > 0) {
      this.pending.push(keep(data));
      return;
    }
    const taken = this.socket.write(data);
    if (taken >= 0 && taken < data.length) this.pending.push(keep(data.subarray(taken)));
  }

  begun(): void {}

  opened(socket: RawSocket): void {
    this.socket = socket;
    this.onDrain();
  }

  onDrain(): void {
    const { pending } = this;
    this.pending = [];
    for (const data of pending) this.send(data);
  }

  onEnd(): void {
    this.onClose();
  }
  refused(): void {
    this.onClose();
  }
  onInternalError(): void {
    this.onClose();
  }

  onClose(): void {
    const { other } = this;
    this.other = null;
    this.socket?.end();
    other?.onClose();
  }
}

function accept(socket: RawSocket): Side {
  const client = new Side();
  const server = new Side();
  client.socket = socket;
  client.other = server;
  server.other = client;
  turn = (turn + 1) % serverPorts.length;
  tcp.connect(HOST, Number(serverPorts[turn]), server);
  return client;
}

tcp.listen(HOST, Number(port), accept);
if (tlsPort !== "0") {
  Bun.listen<Side>({
    hostname: HOST,
    port: Number(tlsPort),
    tls: { cert: Bun.file(certFile), key: Bun.file(keyFile) },
    socket: {
      open: (socket) => {
        socket.data = accept(socket as unknown as RawSocket);
      },
      data: (socket, bytes) => socket.data.onData(bytes),
      drain: (socket) => socket.data.onDrain(),
      close: (socket) => socket.data.onClose(),
    },
  });
}
