/** Makes, opens and removes the file behind the shared memory. */
import { closeSync, existsSync, ftruncateSync, mkdtempSync, openSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import {
  Header,
  LAYOUT_MAGIC,
  LAYOUT_VERSION,
  SHARED_BYTES,
  type SharedMemory,
  viewSharedMemory,
} from "./layout/shared-memory.ts";
import { NoSharedMemoryError, reserveBase } from "./pages.ts";

/** Directories that this instance makes for its shared file and sockets begin with this name. */
export const RUNTIME_DIRECTORY_PREFIX = "neurabalancer-";

/** Makes a private directory (mode 0700) in /dev/shm, or in the temporary directory where there is no /dev/shm. */
export function createRuntimeDirectory(): string {
  const base = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
  return mkdtempSync(join(base, `${RUNTIME_DIRECTORY_PREFIX}${process.pid}-`));
}

/**
 * Makes the shared file at `path` (sparse, zeroed), maps it and writes its header. Room for workers and servers is made
 * when they come: see `MemoryPages`. Throws an `Error` that names the path when there is no room or no permission.
 * @param templateSecret see `Header.TEMPLATE_SECRET`.
 */
export function createSharedMemory(path: string, templateSecret = 0): SharedMemory {
  let memory: SharedMemory;
  try {
    const fd = openSync(path, "wx", 0o600);
    try {
      ftruncateSync(fd, SHARED_BYTES);
      memory = mapFile(path);
      reserveBase(fd, path, memory);
    } finally {
      closeSync(fd);
    }
  } catch (cause) {
    if (cause instanceof NoSharedMemoryError) throw cause;
    throw new Error(`cannot make the shared memory file in ${dirname(path)}: ${(cause as Error).message}`, { cause });
  }
  memory.header[Header.LAYOUT_VERSION] = LAYOUT_VERSION;
  memory.header[Header.SUPERVISOR_PID] = process.pid;
  memory.header[Header.TEMPLATE_SECRET] = templateSecret;
  Atomics.store(memory.header, Header.MAGIC, LAYOUT_MAGIC);
  return memory;
}

/** Maps a shared file that the supervisor made. Throws when it is not one, or of another layout. */
export function openSharedMemory(path: string): SharedMemory {
  const size = statSync(path).size;
  if (size !== SHARED_BYTES) {
    throw new Error(`${path} is not a shared memory file of this version: ${size} bytes, expected ${SHARED_BYTES}`);
  }
  const memory = mapFile(path);
  if (memory.header[Header.MAGIC] !== LAYOUT_MAGIC || memory.header[Header.LAYOUT_VERSION] !== LAYOUT_VERSION) {
    throw new Error(`${path} has another layout than this version's (${LAYOUT_VERSION})`);
  }
  return memory;
}

/** Removes a directory made by `createRuntimeDirectory` with all in it. Mappings that are open stay valid. */
export function removeRuntimeDirectory(directory: string): void {
  rmSync(directory, { recursive: true, force: true });
}

function mapFile(path: string): SharedMemory {
  return viewSharedMemory(Bun.mmap(path, { shared: true }).buffer);
}
