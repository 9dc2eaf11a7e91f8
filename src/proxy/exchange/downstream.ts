/**
 * The seam between an exchange and its client: the protocol is on the client's side of it, and what is behind it does not
 * ask. A downstream is one request at a time of a client's connection: an HTTP/1.1 connection, or one stream of a connection
 * that carries many.
 */
import type { Failure } from "../failure.ts";
import type { LocalResponse } from "../local/response.ts";
import type { HeadEdits } from "../rewrite/edits.ts";
import type { Peer } from "../rewrite/request.ts";
import type { Timed } from "../sockets/timer-wheel.ts";

/**
 * The client's side, as the exchange sees it. Its deadline (`Timed`) is the exchange's from `begin` to `done`, `cut` or
 * `reset`, one of which ends the exchange's use of it; nothing else is called after that.
 *
 * What is the protocol's own is decided there: whether the connection lives on and what the client is told about it, how a
 * body is framed, how many writes a response takes, and how a response shows that it is not all.
 */
export interface Downstream extends Timed {
  /** Who is there. */
  readonly peer: Peer;
  /** As logs have them: `HTTP/1.1`, and `TLSv1.3`; `null` = without TLS, or nobody knows. */
  readonly protocol: Buffer;
  readonly tlsVersion: Buffer | null;
  /** The port that it connected to. */
  readonly port: number;
  /** The client is sent a chunked body as the server framed it; otherwise the content alone. */
  readonly takesChunks: boolean;
  /** Bytes that the client has not taken yet; `onClientDrain` tells when there are fewer. */
  readonly queuedBytes: number;
  /** The client has to wait before it sends more. */
  pauseReading(): void;
  resumeReading(): void;
  /**
   * Passes an interim response on (RFC 9110 section 15.2), if the client's protocol has them. Its head is in
   * `ctx.responseHead`, parsed from `head`.
   * @returns false when the client is gone.
   */
  interim(head: Buffer): boolean;
  /**
   * Begins the response: the final head, in `ctx.responseHead` and parsed from `head`, and what there is of its body,
   * `body[start … end)`. Both buffers may be empty afterwards.
   * @param complete nothing follows: `endBody` is not called.
   * @param edits what is changed in the head beyond what the protocol asks for; null = nothing.
   * @returns false when the client is gone.
   */
  respond(head: Buffer, body: Buffer, start: number, end: number, complete: boolean, edits: HeadEdits | null): boolean;
  /**
   * Sends more of the body, or of a tunnel, from a packet that nobody looks at any more: it may be empty afterwards.
   * @returns false when the client is gone. Look at `queuedBytes` to see whether it took everything.
   */
  sendAway(packet: Buffer, start: number, end: number): boolean;
  /**
   * The body is complete.
   * @param trailers the field lines behind it (`BodyReader.trailers`), unless it was sent with its chunks; null = none.
   */
  endBody(trailers: Buffer | null): void;
  /** Of a tunnel: nothing more is sent, and what the client sends is still read. */
  endSending(): void;
  /**
   * Responds to a request with this method by ourselves: all of the response, changed by `edits`.
   * @returns the bytes of its body.
   */
  respondLocal(response: LocalResponse, method: number, edits: HeadEdits | null): number;
  /** What still comes of the request is not wanted, or can't be told from the next one. */
  refuseRest(): void;
  /**
   * The response is complete and the exchange has let go of everything; its last bytes may still be queued.
   * @param requestComplete false: what still comes belongs to the request.
   */
  done(requestComplete: boolean, nowMs: number): void;
  /**
   * As `done`, of a response that broke off: the client gets what there is of it, and sees that it is not all.
   * @param shows what it was sent can't be taken for a whole body.
   */
  cut(shows: boolean, nowMs: number): void;
  /** Ends it at once, with what is queued: the client is gone, or does not read. */
  reset(): void;
  /**
   * The server switched protocols: sends its head (101, in `ctx.responseHead`, parsed from `head`, changed by `edits`), and
   * from here on hands over what the client sends as it comes, beginning with what came before its turn.
   */
  startTunnel(head: Buffer, edits: HeadEdits | null, nowMs: number): void;
}

/** The exchange, as the client's side sees it: who serves a request. */
export interface DownstreamUser {
  /** Every byte of the request has arrived. */
  readonly requestComplete: boolean;
  readonly isTunnel: boolean;
  /**
   * A request head was parsed into `ctx.requestHead` from `head[headStart …]`; `data[bodyStart … dataEnd)` follows it. Both
   * have the form of HTTP/1.1, whatever the client speaks: a body whose length the head does not say is in the chunked
   * coding, with its trailers. So there is one parser, and a server of HTTP/1.1 gets it as it is.
   * @param route index into `ROUTES`.
   * @param startedMs when its first byte came.
   * @returns the offset in `data` after what belongs to this request.
   */
  begin(
    client: Downstream,
    head: Buffer,
    headStart: number,
    route: number,
    data: Buffer,
    bodyStart: number,
    dataEnd: number,
    startedMs: number,
    nowMs: number,
  ): number;
  /**
   * More of the request body.
   * @returns the offset after what belongs to it, or -1 when the exchange has ended over it.
   */
  onRequestBody(data: Buffer, start: number, end: number, nowMs: number): number;
  /** Bytes of the client after `startTunnel`. */
  onTunnelData(data: Buffer, nowMs: number): void;
  /** The client took queued bytes. */
  onClientDrain(nowMs: number): void;
  /** The client sends nothing more and still reads. */
  onClientEnd(nowMs: number): void;
  /** The deadline that the exchange gave the client has passed. */
  onClientDeadline(nowMs: number): void;
  /** The worker is finishing, and only a tunnel has no end that could be waited for: it ends with what has come. */
  closeTunnel(nowMs: number): void;
  /** The client has gone. */
  abort(nowMs: number): void;
  /** Refuses a request whose end cannot be known or is not wanted. */
  refuseRest(failure: Failure, nowMs: number): void;
}

/** Where a client's side gets an exchange for a request. */
export interface Exchanges {
  /** One that serves no request: its first call is `begin`. It goes back by itself. */
  take(): DownstreamUser;
}
