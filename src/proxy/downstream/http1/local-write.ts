/** A response of our own, as HTTP/1.1 has it. Built as text: this is not the hot path. */
import { WorkerCounter } from "../../../shared/memory/layout/shared-memory.ts";
import { COALESCE_BYTES } from "../../http1/copy.ts";
import { REASON_PHRASES } from "../../http1/reason-phrases.ts";
import { fieldsOf, type LocalResponse, sentBody } from "../../local/response.ts";
import type { HeadEdits } from "../../rewrite/edits.ts";
import { ClientConnectionHeader } from "../../rewrite/response.ts";
import type { Channel } from "../../sockets/channel.ts";
import type { WorkerContext } from "../../worker-context.ts";

/** Sends all of it, changed by `edits`, to a request with this method. @returns false when the client is gone. */
export function sendLocal(
  ctx: WorkerContext,
  client: Channel,
  response: LocalResponse,
  method: number,
  connection: ClientConnectionHeader,
  edits: HeadEdits | null,
): boolean {
  const { status } = response;
  const fields = fieldsOf(response, edits)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("");
  const body = sentBody(response, method);
  const content = typeof body === "string" ? Buffer.from(body) : body;
  const head = Buffer.from(
    `HTTP/1.1 ${status} ${REASON_PHRASES[status] ?? ""}\r\n${ctx.dateLine.toString("latin1")}` +
      `${fields}${CONNECTION_LINES[connection]}\r\n`,
    "latin1",
  );
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
