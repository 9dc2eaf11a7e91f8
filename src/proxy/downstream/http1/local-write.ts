/** Sends responses of our own as HTTP/1.1 has them. */
import { WorkerCounter } from "../../../shared/memory/layout/worker-counters.ts";
import { COALESCE_BYTES } from "../../http1/copy.ts";
import { type LocalResponse, sentBody } from "../../local/response.ts";
import type { HeadEdits } from "../../rewrite/edits.ts";
import { ClientConnectionHeader } from "../../rewrite/response.ts";
import type { Channel } from "../../sockets/channel.ts";
import type { WorkerContext } from "../../worker-context.ts";
import { localHead } from "../local-head.ts";

/** Sends all of it, changed by `edits`, to a request with this method. @returns false when the client is gone. */
export function sendLocal(
  ctx: WorkerContext,
  client: Channel,
  response: LocalResponse,
  method: number,
  connection: ClientConnectionHeader,
  edits: HeadEdits | null,
): boolean {
  const body = sentBody(response, method);
  const content = typeof body === "string" ? Buffer.from(body) : body;
  const head = localHead(response, ctx.dateLine, edits, CONNECTION_LINES[connection]);
  ctx.counters[WorkerCounter.BYTES_TO_CLIENTS] += head.length + content.length;
  if (content.length <= COALESCE_BYTES) {
    const bytes = Buffer.concat([head, content]);
    return client.send(bytes, 0, bytes.length, true);
  }
  // A large one as it is: several may share it.
  return client.send(head, 0, head.length, true) && client.send(content, 0, content.length, true);
}

const CONNECTION_LINES = {
  [ClientConnectionHeader.NONE]: "",
  [ClientConnectionHeader.CLOSE]: "Connection: close\r\n",
  [ClientConnectionHeader.KEEP_ALIVE]: "Connection: keep-alive\r\n",
  [ClientConnectionHeader.UPGRADE]: "",
} as const;
