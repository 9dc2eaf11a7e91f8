/** The lines of a file of any size, plain or compressed by gzip, in bounded memory. */
import { closeSync, createReadStream, openSync, readSync, statSync } from "node:fs";
import { createGunzip } from "node:zlib";

const CHUNK_BYTES = 1 << 20;
/** Longer lines are cut there. */
export const MAX_LINE = 65_536;

/** Lines of one piece of the file, without their ends; rejects with an `Error` that names the file when it cannot be read. */
export async function* linesOf(file: string): AsyncGenerator<readonly string[]> {
  try {
    requireFile(file);
    const decoder = new TextDecoder("utf-8");
    let rest = "";
    /** What is left of a line that is too long. */
    let skipping = false;
    for await (const chunk of bytesOf(file)) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop()!;
      if (skipping && lines.length > 0) {
        lines.shift();
        skipping = false;
      }
      if (skipping) rest = "";
      else if (rest.length > MAX_LINE) {
        lines.push(rest.slice(0, MAX_LINE));
        rest = "";
        skipping = true;
      }
      yield lines;
    }
    if (!skipping && rest !== "") yield [rest];
  } catch (error) {
    throw new Error(`${file}: ${(error as Error).message}`);
  }
}

/** A log is read twice, which what has no end (a pipe, a device) cannot be: opening it alone may wait forever. */
function requireFile(file: string): void {
  if (!statSync(file).isFile()) {
    throw new Error("is no regular file, and a log is read twice: write it to a file, plain or compressed by gzip");
  }
}

function bytesOf(file: string): AsyncIterable<Uint8Array> {
  const compressed = isGzip(file);
  const bytes = createReadStream(file, { highWaterMark: CHUNK_BYTES });
  if (!compressed) return bytes;
  const unpacked = createGunzip({ chunkSize: CHUNK_BYTES });
  bytes.on("error", (error) => unpacked.destroy(error));
  return bytes.pipe(unpacked);
}

/** By its first two bytes (RFC 1952 section 2.3.1): names lie. */
function isGzip(file: string): boolean {
  const descriptor = openSync(file, "r");
  try {
    const head = new Uint8Array(2);
    return readSync(descriptor, head) === 2 && head[0] === 0x1f && head[1] === 0x8b;
  } finally {
    closeSync(descriptor);
  }
}
