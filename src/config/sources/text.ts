/** Reads a file of settings as text: what is too large, no text or not there is said, not guessed at. */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  ENOTDIR: "there is no such file",
  EACCES: "this process may not read it",
  EISDIR: "it is a directory",
  EAGAIN: "it is a pipe or a terminal, and nothing comes from it",
};

/** So long a pipe may be silent. Whoever reads waits with all that it does, and it may be the process that keeps the rest. */
const SILENCE_MS = 3000;
const PAUSE_MS = 10;

class TooLargeError extends Error {
  constructor(maxBytes: number) {
    super(`: is larger than ${maxBytes / 1024} KiB: that is no file of settings`);
  }
}

/** The text of the file, without a byte order mark. Throws an `Error` whose message goes on from the file's name. */
export function readText(path: string, maxBytes: number): string {
  const bytes = readBytes(path, maxBytes);
  if (bytes.length >= 2 && /^(fffe|feff)$/.test(bytes.toString("hex", 0, 2))) {
    throw new Error(":1:1: is text in UTF-16: save it as UTF-8");
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    const { line, column } = firstWrongByte(bytes);
    throw new Error(`:${line}:${column}: is not UTF-8 from here on: save the file as UTF-8`);
  }
}

/**
 * The bytes of the file: no more are read than tell that it is too large, for it may have no end. Throws as `readText` does.
 */
export function readBytes(path: string, maxBytes: number): Buffer {
  let file: number | undefined;
  try {
    // To open a pipe takes until somebody writes to it, unless one says so.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const kind = fstatSync(file);
    if (kind.isDirectory()) throw Object.assign(new Error(), { code: "EISDIR" });
    const buffer = Buffer.alloc(maxBytes + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < buffer.length; length += read) {
      read = readSoon(file, buffer, length, kind.isFIFO() && length === 0);
    }
    if (length > maxBytes) throw new TooLargeError(maxBytes);
    return buffer.subarray(0, length);
  } catch (error) {
    if (error instanceof TooLargeError) throw error;
    const { code = "", message } = error as NodeJS.ErrnoException;
    throw new Error(code === "ENOENT" ? ": there is no such file" : `: cannot be read: ${REASONS[code] ?? message}`);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** @param comes nobody may have begun to write yet. */
function readSoon(file: number, buffer: Buffer, start: number, comes: boolean): number {
  for (let waited = 0; ; waited += PAUSE_MS) {
    try {
      const read = readSync(file, buffer, start, buffer.length - start, null);
      if (read > 0 || !comes) return read;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
    }
    if (waited >= SILENCE_MS) throw Object.assign(new Error(), { code: "EAGAIN" });
    Bun.sleepSync(PAUSE_MS);
  }
}

function firstWrongByte(bytes: Buffer): { readonly line: number; readonly column: number } {
  let start = 0;
  for (let line = 1; ; line++) {
    const end = bytes.indexOf(0x0a, start);
    const text = bytes.toString("utf8", start, end < 0 ? bytes.length : end);
    const raw = bytes.subarray(start, end < 0 ? bytes.length : end);
    if (!Buffer.from(text).equals(raw) || end < 0) return { line, column: text.indexOf("\ufffd") + 1 };
    start = end + 1;
  }
}
