/** A user of a socket that notes what it is told. */
import type { Dialler, RawSocket } from "../../../../src/proxy/sockets/raw-socket.ts";

/** Notes everything, in order, and never lets go of the socket by itself. */
export class Recorder implements Dialler {
  /** `begun`, `opened`, `handshake …`, `data`, `drain`, `end`, `end ahead`, `close`, `broken`, `refused …`, `internal error`. */
  readonly heard: string[] = [];
  readonly packets: Buffer[] = [];
  received = 0;
  socket: RawSocket | null = null;
  wantsRest = true;
  /** Takes over at the handshake. */
  successor: Recorder | null = null;
  /** Called by the next event of that name, in its handler. */
  readonly actions = new Map<string, () => void>();

  /** What came, as text. */
  get text(): string {
    return Buffer.concat(this.packets).toString("latin1");
  }

  /** How often it heard `what`. */
  count(what: string): number {
    return this.heard.filter((each) => each === what).length;
  }

  /** The end of it was told. */
  get over(): boolean {
    return this.heard.includes("close") || this.heard.includes("broken");
  }

  begun(socket: RawSocket): void {
    this.socket = socket;
    this.#note("begun");
  }
  opened(socket: RawSocket): void {
    this.socket = socket;
    this.#note("opened");
  }
  refused(code: string): void {
    this.#note(`refused ${code}`);
  }
  onHandshake(_nowMs: number, protocol: string): Recorder {
    this.#note(`handshake ${protocol}`);
    return this.successor ?? this;
  }
  onData(data: Buffer): void {
    this.received += data.length;
    this.packets.push(Buffer.from(data)); // it may be borrowed
    this.#note("data");
  }
  onDrain(): void {
    this.#note("drain");
  }
  onEnd(): void {
    this.#note("end");
  }
  onEndAhead(): void {
    this.#note("end ahead");
  }
  onClose(_nowMs: number, error?: Error): void {
    this.#note(error === undefined ? "close" : "broken");
  }
  onInternalError(): void {
    this.#note("internal error");
    this.socket?.terminate();
  }

  #note(what: string): void {
    this.heard.push(what);
    const action = this.actions.get(what);
    this.actions.delete(what);
    action?.();
  }
}
