/** Lines of a body, however the network cuts it, none longer than a bound. */

const LINE_FEED = 0x0a;

/**
 * The lines without their ends; empty ones are left out.
 * @throws Error when a line is longer than `maxBytes`, or the body ends within one.
 */
export async function* linesOf(body: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<string> {
  let parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    let from = 0;
    while (from < chunk.length) {
      const at = chunk.indexOf(LINE_FEED, from);
      const part = chunk.subarray(from, at < 0 ? chunk.length : at);
      bytes += part.length;
      if (bytes > maxBytes) throw new Error(`it sends a line of more than ${maxBytes / 1024} KB`);
      if (part.length > 0) parts.push(part);
      if (at < 0) break;
      if (parts.length > 0) yield Buffer.concat(parts).toString("utf8");
      parts = [];
      bytes = 0;
      from = at + 1;
    }
  }
  if (bytes > 0) throw new Error("its answer ends in the middle of a line");
}

/** A whole body. @throws Error when it is longer than `maxBytes`. */
export async function textOf(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of body) {
    bytes += part.length;
    if (bytes > maxBytes) throw new Error(`its answer is longer than ${maxBytes / 1024} KB`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}
