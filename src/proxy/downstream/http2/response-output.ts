/**
 * The content of one response on its way to a client, and how it ends: at once as far as the windows and the socket allow, the
 * rest in turns with other streams, when they allow more.
 */
import type { SendingStream } from "../../http2/sending/outgoing.ts";
import { freeMemory, isWorthFreeing } from "../../sockets/spare-memory.ts";
import { BodyQueue } from "./body-queue.ts";
import { TURN_BYTES } from "./bounds.ts";
import type { StreamConnection } from "./stream-connection.ts";

/** How the response ends, once what waits of it has been sent. */
const Ending = {
  /** It does not, as yet. */
  NONE: 0,
  /** In order. */
  END: 1,
  /** It broke off: only a reset shows that. */
  RESET: 2,
} as const;
type Ending = (typeof Ending)[keyof typeof Ending];

/** The stream, as what it sends sees it. */
export interface OutputStream<S extends SendingStream<S>> extends SendingStream<S> {
  readonly connection: StreamConnection<S>;
  /** All of the response is sent, and that it is. */
  onSent(): void;
  /** All is sent that there was of a response which broke off. */
  onCutSent(): void;
}

/** One stream's, of one response after the other. */
export class ResponseOutput<S extends OutputStream<S>> {
  readonly #stream: S;
  /** What waits; null = nothing has had to. */
  #queue: BodyQueue | null = null;
  #ending: Ending = Ending.NONE;
  #trailers: Buffer | null = null;

  constructor(stream: S) {
    this.#stream = stream;
  }

  /** Bytes that wait. */
  get queuedBytes(): number {
    return this.#queue?.bytes ?? 0;
  }

  /** It was said how it ends. */
  get isEnding(): boolean {
    return this.#ending !== Ending.NONE;
  }

  /** Sends `packet[start … end)`, which is not empty: see `Downstream.sendAway`. @param last nothing follows. */
  send(packet: Buffer, start: number, end: number, last: boolean): void {
    if (last) this.#ending = Ending.END;
    const at = this.queuedBytes > 0 ? start : this.#send(packet, start, end, this.#endsContent);
    if (at < end) this.#waiting.push(packet, at, end);
    else {
      if (isWorthFreeing(packet)) freeMemory(packet);
      if (this.isEnding) this.#finish(this.#endsContent);
    }
  }

  /** Sends all of `content`, which is not empty and others may look at, too; nothing follows. */
  sendShared(content: Buffer): void {
    this.#ending = Ending.END;
    const at = this.#send(content, 0, content.length, true);
    if (at === content.length) this.#finish(true);
    else this.#waiting.pushShared(content.subarray(at));
  }

  /** There may be room for what waits. @returns whether some of it was sent. */
  resume(): boolean {
    const queue = this.#queue;
    const packet = queue?.first ?? null;
    if (queue === null || packet === null) return false;
    const { offset } = queue;
    const end = Math.min(packet.length, offset + TURN_BYTES);
    const ends = this.#endsContent && queue.bytes === end - offset;
    const at = this.#send(packet, offset, end, ends);
    if (at === offset) return false;
    queue.sent(at - offset);
    if (queue.bytes > 0) this.#stream.connection.outgoing.await(this.#stream);
    else if (this.isEnding) this.#finish(ends);
    return true;
  }

  /** The response is complete. @param trailers field lines behind its content; null = none. */
  end(trailers: Buffer | null): void {
    this.#trailers = trailers;
    this.#ending = Ending.END;
    if (this.queuedBytes === 0) this.#finish(false);
  }

  /** The response broke off: the client gets what there is of it. */
  cut(): void {
    this.#ending = Ending.RESET;
    if (this.queuedBytes === 0) this.#stream.onCutSent();
  }

  /** Nothing of it is sent any more; the next one begins anew. */
  clear(): void {
    this.#queue?.clear();
    this.#queue = null;
    this.#ending = Ending.NONE;
    this.#trailers = null;
    this.#stream.connection.outgoing.forget(this.#stream);
  }

  get #waiting(): BodyQueue {
    this.#queue ??= new BodyQueue();
    return this.#queue;
  }

  /** The stream ends with the last of what waits. */
  get #endsContent(): boolean {
    return this.#ending === Ending.END && this.#trailers === null;
  }

  /** Sends `data[start … end)` as far as there is room; what is behind that is asked for later. @returns the offset after it. */
  #send(data: Buffer, start: number, end: number, last: boolean): number {
    const { connection } = this.#stream;
    const at = connection.outgoing.content(this.#stream, data, start, end, last);
    connection.onServed(at - start);
    return at;
  }

  /** Nothing waits any more: it ends. @param ended END_STREAM was sent with the last of it. */
  #finish(ended: boolean): void {
    const stream = this.#stream;
    if (this.#ending === Ending.RESET) {
      stream.onCutSent();
      return;
    }
    if (!ended) {
      const { connection } = stream;
      connection.awaitTurnEnd();
      if (this.#trailers !== null) connection.sendTrailers(stream, this.#trailers);
      else connection.outgoing.end(stream.id);
    }
    stream.onSent();
  }
}
