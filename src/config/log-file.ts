/** Whether lines can be appended to the file that is named for them: found before they are lost. */
import { accessSync, constants, statSync } from "node:fs";
import { dirname, resolve } from "node:path";

/** What is wrong with it; `null` = nothing that could be seen. The file is not made. */
export function problemOfLogFile(path: string): string | null {
  const file = resolve(path);
  try {
    const present = statSync(file, { throwIfNoEntry: false });
    if (present?.isDirectory()) return "is a directory: name a file in it";
    if (present !== undefined) return isWritable(file) ? null : "cannot be written to: this user may not";
    const directory = dirname(file);
    const around = statSync(directory, { throwIfNoEntry: false });
    if (around === undefined) return `cannot be made: there is no directory ${directory}`;
    if (!around.isDirectory()) return `cannot be made: ${directory} is no directory`;
    return isWritable(directory) ? null : `cannot be made: this user may not write to ${directory}`;
  } catch (error) {
    return `cannot be looked at: ${(error as Error).message}`;
  }
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
