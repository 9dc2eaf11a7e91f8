/** Reads a file of settings as text: what is too large, no text or not there is said, not guessed at. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  ENOTDIR: "there is no such file",
  EACCES: "this process may not read it",
  EISDIR: "it is a directory",
};

/** The text of the file, without a byte order mark. Throws an `Error` whose message goes on from the file's name. */
export function readText(path: string, maxBytes: number): string {
  const bytes = readBytes(path, maxBytes);
  if (bytes.length > maxBytes) throw new Error(`: is larger than ${maxBytes / 1024} KiB: that is no file of settings`);
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

/** Reads no more than tells that it is too large: the file may have no end. */
function readBytes(path: string, maxBytes: number): Buffer {
  let file: number | undefined;
  try {
    file = openSync(path, "r");
    if (fstatSync(file).isDirectory()) throw Object.assign(new Error(), { code: "EISDIR" });
    const buffer = Buffer.alloc(maxBytes + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < buffer.length; length += read) {
      read = readSync(file, buffer, length, buffer.length - length, null);
    }
    return buffer.subarray(0, length);
  } catch (error) {
    const { code = "", message } = error as NodeJS.ErrnoException;
    throw new Error(code === "ENOENT" ? ": there is no such file" : `: cannot be read: ${REASONS[code] ?? message}`);
  } finally {
    if (file !== undefined) closeSync(file);
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
