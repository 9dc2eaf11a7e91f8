/** Servers and waits that the integration tests of the fleet share. */
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { freePort } from "../../../support/ports/free-port.ts";

export { eventually } from "../../../support/until.ts";

/** Listens on a free loopback port and returns it. */
export async function listen(server: Server, port = 0): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve());
  });
  return (server.address() as AddressInfo).port;
}

export async function closeAll(...servers: Server[]): Promise<void> {
  for (const server of servers) server.close();
  await Bun.sleep(0);
}

/** A backend whose behaviour can be changed while it runs. */
export class Backend {
  /** What it answers; `silent` accepts and never answers. */
  mode: "ok" | "503" | "silent" = "ok";
  delayMs = 0;
  usage: string | undefined;
  readonly paths: string[] = [];
  #server: Server | undefined;
  readonly #sockets = new Set<Socket>();
  /** Its own while it does not listen, too. */
  readonly port = freePort();

  async start(): Promise<this> {
    this.#server = createServer((socket) => this.#serve(socket));
    await listen(this.#server, this.port);
    return this;
  }

  /** Stops listening and drops its connections; the port stays known for `start`. */
  stop(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server?.close();
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => {});
    socket.on("data", (data) => {
      const path = data.toString().split(" ")[1];
      this.paths.push(path);
      if (this.mode === "silent") return;
      setTimeout(() => socket.end(this.#answer(path)), this.delayMs);
    });
  }

  #answer(path: string): string {
    if (path === "/metrics") {
      const body = this.usage ?? "# HELP up\n";
      return `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    }
    return this.mode === "ok" ? "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" : "HTTP/1.1 503 No\r\n\r\n";
  }
}
