/** A TCP relay before the database, which a test tells to fail. */
import type { Socket } from "bun";

interface Pair {
  other: Socket<Pair> | null;
  /** What came before the way to the other side was open. */
  early: Uint8Array[];
  isMuted: boolean;
}

export class Relay {
  /** The next connection that says this is cut once it has been passed on: nobody hears what the server answers. */
  cutAfter: string | null = null;
  /** Connections that were cut so. */
  cuts = 0;
  readonly #listener: Bun.TCPSocketListener<Pair>;

  constructor(port: number) {
    this.#listener = Bun.listen<Pair>({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        open: (client) => {
          const pair: Pair = { other: null, early: [], isMuted: false };
          client.data = pair;
          void Bun.connect<Pair>({
            hostname: "127.0.0.1",
            port,
            data: { other: client, early: [], isMuted: false },
            socket: {
              open: (server) => {
                pair.other = server;
                for (const bytes of pair.early) server.write(bytes);
              },
              data: (server, bytes) => {
                if (!server.data.isMuted) client.write(bytes);
              },
              close: () => void client.end(),
            },
          });
        },
        data: (client, bytes) => this.#pass(client, bytes),
        close: (client) => void client.data.other?.end(),
      },
    });
  }

  get port(): number {
    return this.#listener.port;
  }

  close(): void {
    this.#listener.stop(true);
  }

  #pass(client: Socket<Pair>, bytes: Uint8Array): void {
    const { other, early } = client.data;
    if (other === null) {
      early.push(bytes.slice());
      return;
    }
    const isCut = this.cutAfter !== null && Buffer.from(bytes).includes(this.cutAfter);
    if (isCut) other.data.isMuted = true;
    other.write(bytes);
    if (!isCut) return;
    this.cutAfter = null;
    this.cuts++;
    // The server has it, and does it: only the way back is gone.
    other.flush();
    setTimeout(() => client.terminate(), 50);
  }
}
