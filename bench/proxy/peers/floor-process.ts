/**
 * A relay of bytes on raw sockets: each client connection gets a connection to the next server, and what comes from one
 * side is written to the other. Arguments: port, TLS port, certificate, key, ports of the servers.
 */
import type { Socket } from "bun";

interface Side {
  other: Socket<Side> | null;
  /** What this side has not taken yet. */
  pending: Buffer[];
  /** What came from this side before there was another. */
  early: Buffer[];
}

const [port, tlsPort, certFile, keyFile, ...serverPorts] = process.argv.slice(2);
let turn = 0;

const handlers = {
  data: ({ data: side }: Socket<Side>, bytes: Buffer): void => {
    if (side.other === null) side.early.push(bytes);
    else forward(side.other, bytes);
  },
  drain: (socket: Socket<Side>): void => {
    const { pending } = socket.data;
    socket.data.pending = [];
    for (const bytes of pending) forward(socket, bytes);
  },
  close: ({ data: side }: Socket<Side>): void => {
    side.other?.end();
    side.other = null;
  },
};

const listener = {
  hostname: "127.0.0.1",
  socket: {
    ...handlers,
    open: (client: Socket<Side>): void => {
      client.data = { other: null, pending: [], early: [] };
      turn = (turn + 1) % serverPorts.length;
      void Bun.connect<Side>({
        hostname: "127.0.0.1",
        port: Number(serverPorts[turn]),
        data: { other: client, pending: [], early: [] },
        socket: {
          ...handlers,
          open: (server) => {
            client.data.other = server;
            for (const bytes of client.data.early) forward(server, bytes);
            client.data.early = [];
          },
        },
      }).catch(() => client.end());
    },
  },
};

Bun.listen<Side>({ ...listener, port: Number(port) });
if (tlsPort !== "0") {
  Bun.listen<Side>({ ...listener, port: Number(tlsPort), tls: { cert: Bun.file(certFile), key: Bun.file(keyFile) } });
}

function forward(to: Socket<Side>, bytes: Buffer): void {
  const { pending } = to.data;
  if (pending.length > 0) {
    pending.push(bytes);
    return;
  }
  const taken = to.write(bytes);
  if (taken >= 0 && taken < bytes.length) pending.push(bytes.subarray(taken));
}
