/** Writes a tar archive: files in one folder, as POSIX.1-1988 (ustar) has it. Pure. */

const BLOCK = 512;

/** One file. Its name is short and plain ASCII. */
export interface TarFile {
  readonly name: string;
  readonly body: Uint8Array;
}

/** @param seconds when the files were made, seconds since the epoch. */
export function tarOf(files: readonly TarFile[], seconds: number): Uint8Array<ArrayBuffer> {
  const size = files.reduce((sum, { body }) => sum + BLOCK + padded(body.length), 2 * BLOCK);
  const archive = new Uint8Array(size); // ends with two blocks of zeros
  let at = 0;
  for (const { name, body } of files) {
    archive.set(headerOf(name, body.length, seconds), at);
    archive.set(body, at + BLOCK);
    at += BLOCK + padded(body.length);
  }
  return archive;
}

function padded(bytes: number): number {
  return Math.ceil(bytes / BLOCK) * BLOCK;
}

function headerOf(name: string, size: number, seconds: number): Uint8Array {
  const header = new Uint8Array(BLOCK);
  const write = (text: string, at: number): void => {
    for (let i = 0; i < text.length; i++) header[at + i] = text.charCodeAt(i);
  };
  const octal = (value: number, digits: number): string => `${Math.floor(value).toString(8).padStart(digits, "0")}\0`;
  if (name.length > 100) throw new RangeError(`a name of ${name.length} letters: at most 100 fit`);
  write(name, 0);
  write(octal(0o600, 7), 100); // whoever unpacks it owns it, and nobody else reads it
  write(octal(0, 7), 108);
  write(octal(0, 7), 116);
  write(octal(size, 11), 124);
  write(octal(seconds, 11), 136);
  write("        ", 148); // the sum counts itself as blanks
  write("0", 156);
  write("ustar\0", 257);
  write("00", 263);
  let sum = 0;
  for (const byte of header) sum += byte;
  write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}
