/** What a stream asks of the connection that it is on. */
import type { ErrorCode } from "../../http2/error-codes.ts";
import type { Outgoing, SendingStream } from "../../http2/sending/outgoing.ts";
import type { Peer } from "../../rewrite/request.ts";
import type { DownstreamContext } from "../context.ts";
import type { Entrance } from "../entrance.ts";

/** A session of HTTP/2, as its streams see it. All that they send leaves when the turn of the event loop is over. */
export interface StreamConnection<S extends SendingStream<S>> {
  readonly ctx: DownstreamContext;
  readonly entrance: Entrance;
  /** Over a connection limit. */
  readonly shed: boolean;
  readonly peer: Peer;
  readonly tlsVersion: Buffer | null;
  /** The client is gone: nothing can be sent. */
  readonly gone: boolean;
  readonly outgoing: Outgoing<S>;
  /**
   * Sends a response's head: `head[start … end)`, as HTTP/1.1 has it.
   * @param last nothing follows.
   * @param tunnel it answers an extended CONNECT.
   */
  sendHead(stream: S, head: Buffer, start: number, end: number, last: boolean, tunnel: boolean): void;
  /** Sends trailers, as field lines; nothing follows. */
  sendTrailers(stream: S, lines: Buffer): void;
  /** Something was handed to `outgoing`: it leaves when the turn is over. */
  awaitTurnEnd(): void;
  reset(streamId: number, code: ErrorCode): void;
  /** What came waits for the stream: its `passOn` is called when the turn is over. */
  awaitPassOn(stream: S): void;
  /** `flowBytes` that came for the stream are done with. */
  giveBack(stream: S, flowBytes: number): void;
  /** The client was sent so many bytes that it asked for; they leave when the turn is over. */
  onServed(bytes: number): void;
  /** The client did something that is not allowed, and its stream was reset. */
  onMistake(): void;
  /** It is over. @param byClient the client had ended its side. @param flowBytes as for `giveBack`. */
  onStreamClosed(stream: S, byClient: boolean, flowBytes: number): void;
}
