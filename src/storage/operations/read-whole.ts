/** Reads a file that may be something else by now: a pipe that nobody writes to, a device without an end. */
import { constants } from "node:fs";
import { open } from "node:fs/promises";

/** Beyond all that is ever written here. */
const MAX_BYTES = 32 * 1024 * 1024;

/** All of it; `null` = there is none. Rejects with an `Error` that goes on from the name of the file. */
export async function readWhole(path: string): Promise<Buffer | null> {
  let file: Awaited<ReturnType<typeof open>>;
  try {
    // Else the opening of a pipe would wait for somebody who writes.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new Error("it is no file");
    if (stat.size > MAX_BYTES) throw new Error(`it has more than ${MAX_BYTES} bytes`);
    return await file.readFile();
  } finally {
    await file.close();
  }
}
