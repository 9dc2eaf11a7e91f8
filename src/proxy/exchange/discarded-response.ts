/**
 * What becomes of a response that is not passed on, because another server is asked instead. A short one is read to its
 * end, so that its connection can be used again: to reconnect after each error would add to the troubles of a server that
 * has some. What is long, slow or endless is cut off.
 */
import type { ProxyContext } from "../context.ts";
import { BodyReader } from "../http1/body-reader.ts";
import { BodyKind } from "../http1/head.ts";
import type { UpstreamConnection, UpstreamUser } from "../upstream/connection.ts";
import type { ProxiedRequest } from "./request.ts";

/** Longer bodies are not worth reading: a new connection costs less. */
const MAX_BYTES = 64 * 1024;
/** As for a body that does not come to its end. */
const MAX_MS = 1000;

/**
 * Takes over `connection`, on which the head in `ctx.responseHead` and then `rest[restStart …]` came. It ends in its pool
 * or is closed; nobody waits for it.
 */
export function discardResponse(
  ctx: ProxyContext,
  request: ProxiedRequest,
  connection: UpstreamConnection,
  rest: Buffer,
  restStart: number,
  nowMs: number,
): void {
  const { keepAlive, bodyKind, contentLength } = ctx.responseHead;
  const unfinished = !request.body.done || connection.queuedBytes > 0;
  const unwanted = bodyKind === BodyKind.UNTIL_CLOSE || (bodyKind === BodyKind.LENGTH && contentLength > MAX_BYTES);
  if (unfinished || unwanted || !keepAlive) {
    connection.destroy();
    return;
  }
  const body = new BodyReader();
  body.begin(bodyKind, contentLength);
  const drain = new Drain(connection, body);
  if (drain.take(rest, restStart, nowMs)) return;
  connection.user = drain;
  ctx.wheel.set(connection, nowMs + MAX_MS);
}

/** Reads one body and forgets it. */
class Drain implements UpstreamUser {
  readonly #connection: UpstreamConnection;
  readonly #body: BodyReader;

  constructor(connection: UpstreamConnection, body: BodyReader) {
    this.#connection = connection;
    this.#body = body;
  }

  /** @returns whether that was all there is to do. */
  take(data: Buffer, start: number, nowMs: number): boolean {
    const body = this.#body;
    const stop = body.consume(data, start, data.length);
    // A body that breaks its framing, or bytes behind it that nobody asked for: such a connection is not used again.
    if (stop < data.length || body.bytes > MAX_BYTES) this.#connection.destroy();
    else if (!body.done) return false;
    else this.#connection.pool.release(this.#connection, nowMs);
    return true;
  }

  onConnected(): void {} // it is
  onConnectFailed(): void {}

  onUpstreamData(_connection: UpstreamConnection, data: Buffer, nowMs: number): void {
    this.take(data, 0, nowMs);
  }

  onUpstreamEnd(): void {
    this.#connection.destroy();
  }

  onUpstreamDrain(): void {}

  onUpstreamDeadline(): void {
    this.#connection.destroy();
  }
}
