/** Replaces a file so that whoever reads it has the old text or the new one, and it lasts once this has resolved. */
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/** Readable by its owner alone. Rejects with the file system's error, and then the old text is there. */
export async function replaceFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.new`;
  try {
    await withFile(temporary, "w", async (file) => {
      await file.writeFile(text);
      await file.sync();
    });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {}); // on a full disk it would take what others need
    throw error;
  }
  await syncFolder(dirname(path));
}

/** What happened to the names in it lasts. */
export function syncFolder(path: string): Promise<void> {
  return withFile(path, "r", (folder) => folder.sync());
}

/** Opens it for `work`, and closes it whatever becomes of that. */
export async function withFile<T>(path: string, flags: string, work: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(path, flags, 0o600);
  try {
    return await work(file);
  } finally {
    await file.close();
  }
}
