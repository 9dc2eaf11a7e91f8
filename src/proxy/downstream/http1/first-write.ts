/** The first bytes of a response: its head, and what there is of the body. */
import { WorkerCounter } from "../../../shared/layout.ts";
import { COALESCE_BYTES, copyBytes } from "../../http1/copy.ts";
import { type ClientConnectionHeader, leavesUnchanged, writeResponseHead } from "../../rewrite/response.ts";
import type { Channel } from "../../sockets/channel.ts";
import type { WorkerContext } from "../../worker-context.ts";

/** Bodies beyond this are not copied when their head fits in front of them. */
const IN_PLACE_BYTES = 4096;

/**
 * One write for the head (in `ctx.responseHead`, parsed from `head`) and `body[start … end)`, with as little copying as can
 * be: as it came; or with the new head written over the old one, right before the body; or put together in the scratch
 * memory, unless the body is large. Both buffers may be empty afterwards.
 * @param dechunk the body comes without its chunked coding.
 * @returns false when the client is gone.
 */
export function sendFirst(
  ctx: WorkerContext,
  client: Channel,
  head: Buffer,
  body: Buffer,
  start: number,
  end: number,
  connection: ClientConnectionHeader,
  dechunk: boolean,
): boolean {
  const { scratch, responseHead, dateLine, counters } = ctx;
  if (head === body && leavesUnchanged(responseHead, connection, dechunk)) {
    counters[WorkerCounter.BYTES_TO_CLIENTS] += end - responseHead.start;
    return client.sendAway(body, responseHead.start, end);
  }
  const length = writeResponseHead(scratch, 0, head, responseHead, connection, dechunk, dateLine);
  const bodyBytes = end - start;
  counters[WorkerCounter.BYTES_TO_CLIENTS] += length + bodyBytes;
  if (head === body && length <= start && bodyBytes > IN_PLACE_BYTES) {
    scratch.copy(body, start - length, 0, length);
    return client.sendAway(body, start - length, end);
  }
  if (bodyBytes <= COALESCE_BYTES) {
    return client.send(scratch, 0, copyBytes(scratch, length, body, start, end), false);
  }
  return client.send(scratch, 0, length, false) && client.sendAway(body, start, end);
}

/** Sends a head (as above) that has no body, or none yet. @returns false when the client is gone. */
export function sendHead(
  ctx: WorkerContext,
  client: Channel,
  head: Buffer,
  connection: ClientConnectionHeader,
): boolean {
  const { scratch, responseHead, dateLine } = ctx;
  const length = writeResponseHead(scratch, 0, head, responseHead, connection, false, dateLine);
  return client.send(scratch, 0, length, false);
}
