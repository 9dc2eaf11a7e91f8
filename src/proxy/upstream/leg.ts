/**
 * The way of one request to its server and of the response back, as whoever serves the request sees it: a connection of
 * HTTP/1.1 that it has for itself, or one stream of a connection that many share. What the protocol's own bytes are,
 * where heads begin and end, and how a connection is made, kept and closed, is behind this.
 */
import type { Endpoint } from "../../protocol/endpoint.ts";
import type { Failure } from "../failure.ts";
import type { FixedText } from "../http1/fixed-text.ts";
import type { RequestHead } from "../http1/head.ts";
import type { RequestRewrite } from "../rewrite/request.ts";
import type { Timed } from "../sockets/timer-wheel.ts";

/** The connections of one worker to one server. Nothing waits here: limits on concurrency are the picker's. */
export interface Upstream {
  readonly endpoint: Endpoint;
  /** Its address and port, as logs have them. */
  readonly addressText: FixedText;
  /**
   * A leg for one request: on a connection that is there, or on a new one. `user` is told nothing before this returns; when
   * the leg is not `ready`, it hears later of its success or failure.
   * @param repeatable the request may be sent twice, should a kept connection turn out to be closed.
   * @param fresh use no kept connection.
   */
  acquire(user: UpstreamUser, repeatable: boolean, fresh: boolean, nowMs: number): UpstreamLeg;
  /** The server left the fleet: idle connections are closed now, busy ones when their requests end. */
  retire(): void;
}

/** The request, as a leg asks for it when it sends the head. */
export interface UpstreamRequest extends RequestRewrite {
  /** Index into `METHODS`: it decides whether the response has a body. */
  readonly method: number;
  /** Where `parsedHead` was parsed from. */
  readonly headBuffer: Buffer;
  /** The parsed head; good until the next one is parsed. */
  parsedHead(): RequestHead;
  /** Set by the leg: what `Host` is when the client sent none. */
  fallbackHost: Buffer;
  /** How the body is framed, one of `BodyKind`, and whether all of it came with the head. */
  readonly body: { readonly kind: number; readonly done: boolean };
  /** Bytes of the body that came with the head. */
  readonly firstBody: Buffer;
  readonly firstBodyStart: number;
  readonly firstBodyEnd: number;
}

/**
 * One leg. It has a deadline on the timing wheel, which is its user's from `onUpstreamReady` to the end; what it means
 * follows from what the user waits for.
 *
 * Bodies cross this as they came, in either direction: framed as their heads say (`BodyKind`), chunks and all. A leg whose
 * protocol frames them in another way takes that off (`BodyReader`), and says of a response without a length that it lasts
 * until its end.
 */
export interface UpstreamLeg extends Timed {
  /** Who is told what happens; the next one takes it over by this. Null = nobody: given up while it was being made. */
  user: UpstreamUser | null;
  /** The request can be sent. */
  readonly ready: boolean;
  /** What the TLS handshake took when what carries it was made, milliseconds; NaN = there was none. */
  readonly tlsMs: number;
  /** What carries it may carry another request: who finds a reason against that says so here. */
  reusable: boolean;
  /**
   * Nothing can be sent any more. What the server said before may still be on its way: its end is told when that has been
   * read.
   */
  readonly gone: boolean;
  /** Bytes that wait to be sent. */
  readonly queuedBytes: number;
  /** The response may have trailers that have not come: a body of announced length that is complete need not be all of it. */
  readonly mayHaveTrailers: boolean;
  /** At the end of a response: the field lines behind its body, where its framing did not hold them; null = none. */
  readonly trailers: Buffer | null;

  /**
   * Sends the head and the body bytes that came with it.
   * @returns why that could not be done, in which case the server can't have seen any of it; null = it was.
   */
  sendRequest(request: UpstreamRequest): Failure | null;
  /**
   * Sends bytes of the body in order after what is queued.
   * @param owned the memory will not be reused: what is left over may be kept without a copy.
   * @returns false when it is `gone`. Look at `queuedBytes` to see whether everything was taken.
   */
  send(data: Uint8Array, start: number, end: number, owned: boolean): boolean;
  /** As `send`, for a packet that nobody looks at any more: it may be empty afterwards, its memory used again. */
  sendAway(packet: Uint8Array, start: number, end: number): boolean;
  /**
   * The body that did not come with the head is complete.
   * @param trailers the field lines behind it, where its framing did not hold them; null = none.
   */
  endBody(trailers: Buffer | null): void;
  /** Of a tunnel: nothing more is sent, and what the server sends is still read. */
  endSending(): void;

  /** Hold the server back, and let it go on. */
  pauseReading(): void;
  resumeReading(): void;

  /** Bytes that the server has not confirmed to have: a reset would destroy them. -1 = nobody knows. */
  unacknowledged(): number;
  /** Both messages are complete: it may serve another request, or is closed in order. */
  release(nowMs: number): void;
  /** Ends it, whatever it is doing; the server sees that something is unfinished. Its user is told nothing. */
  reset(): void;
}

/** Who is told what happens on a leg. */
export interface UpstreamUser {
  /** Whose request it is: an address, as text. Only asked for where servers are told whose connections they have. */
  readonly clientAddress: Buffer;
  /** The leg is `ready`: the request can be sent. */
  onUpstreamReady(leg: UpstreamLeg, nowMs: number): void;
  /**
   * There will be no response, or no more than interim ones. `reset` the leg, or leave it.
   * @param nothingSent the server can't have seen any of the request.
   */
  onUpstreamFailed(leg: UpstreamLeg, failure: Failure, nothingSent: boolean, nowMs: number): void;
  /**
   * A head came, interim or final: it is in the worker's `responseHead`, parsed from `buffer`, until the next one is parsed.
   * Behind one that is final, or 101, what follows came as `rest[restStart …]`.
   */
  onUpstreamHead(leg: UpstreamLeg, buffer: Buffer, rest: Buffer, restStart: number, nowMs: number): void;
  /** More of the response, or of a tunnel. */
  onUpstreamData(leg: UpstreamLeg, data: Buffer, nowMs: number): void;
  /**
   * After a final head: the server sends nothing more, which need not be told of a body that is complete by its framing and has
   * no trailers; or, with `broken`, the leg is gone both ways.
   */
  onUpstreamEnd(leg: UpstreamLeg, broken: boolean, nowMs: number): void;
  /** Queued bytes were taken. */
  onUpstreamDrain(leg: UpstreamLeg, nowMs: number): void;
  /** The leg's deadline passed. */
  onUpstreamDeadline(leg: UpstreamLeg, nowMs: number): void;
}
