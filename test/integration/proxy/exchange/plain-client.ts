/**
 * A client by plain system calls, which reads when it is told to. The runtime's own sockets drop what they have not read when
 * a reset comes behind it: all of it while they are paused, and else what is more than they read at once.
 */
import { packAddress } from "../../../../src/proxy/sockets/address.ts";
import { Errno, Kernel, Libc, systemError } from "../../../../src/proxy/sockets/libc.ts";
import { until } from "../../../support/until.ts";

/** One connection. Whoever has it closes it. */
export class PlainClient {
  /** How the other side has ended, as far as is read. */
  ended: "end" | "reset" | null = null;
  readonly #libc = new Libc();
  readonly #fd: number;
  readonly #buffer = Buffer.alloc(65_536);
  readonly #pieces: Buffer[] = [];

  private constructor() {
    this.#fd = this.#libc.call.socket(
      Kernel.AF_INET,
      Kernel.SOCK_STREAM | Kernel.SOCK_NONBLOCK | Kernel.SOCK_CLOEXEC,
      0,
    );
  }

  /** Connects, and sends `request`. */
  static async ask(port: number, request: string): Promise<PlainClient> {
    const client = new PlainClient();
    const { call } = client.#libc;
    const address = packAddress(client.#libc, "127.0.0.1", port)?.bytes as Uint8Array;
    if (call.connect(client.#fd, address, address.length) < 0 && client.#libc.errno !== Errno.EINPROGRESS) {
      throw systemError("connect", client.#libc.errno);
    }
    const bytes = Buffer.from(request, "latin1");
    await until(() => call.send(client.#fd, bytes, bytes.length, Kernel.MSG_NOSIGNAL) === bytes.length);
    return client;
  }

  /** Everything that it has read. */
  get received(): Buffer {
    return Buffer.concat(this.#pieces);
  }

  /** The body of what it has read. */
  get body(): Buffer {
    const { received } = this;
    return received.subarray(received.indexOf("\r\n\r\n") + 4);
  }

  /** Reads what there is, and `most` bytes at most. @returns whether there was anything. */
  read(most = this.#buffer.length): boolean {
    const count = this.#libc.call.recv(this.#fd, this.#buffer, Math.min(most, this.#buffer.length), 0);
    if (count > 0) this.#pieces.push(Buffer.from(this.#buffer.subarray(0, count)));
    else if (count === 0) this.ended = "end";
    else if (this.#libc.errno !== Errno.EAGAIN) this.ended = "reset";
    return count > 0;
  }

  /** Reads to the end. @returns how that was. */
  async end(): Promise<"end" | "reset"> {
    return until(() => {
      while (this.read());
      return this.ended;
    });
  }

  close(): void {
    this.#libc.call.close(this.#fd);
  }
}
