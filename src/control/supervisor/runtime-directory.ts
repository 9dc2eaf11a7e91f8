/**
 * The runtime directory (shared memory, sockets) of one instance, and those that dead instances left behind. A directory
 * is only removed when its owner is certainly gone: neither may a process id that was given again keep it for ever, nor
 * may an owner in another container, whose process id means nothing here, lose it.
 */
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRuntimeDirectory, RUNTIME_DIRECTORY_PREFIX, removeRuntimeDirectory } from "../../shared/memory/file.ts";
import { LISTEN_SOCKET_NAME } from "../../shared/memory/listen-sockets.ts";
import type { ControlLog } from "../log.ts";

const OWNER_FILE = "owner.json";
const SOCKET_FILE = "admin.sock";
const ADMIN_PORT_FILE = "port.sock";
const MEMORY_FILE = "memory";
const PORTS_FILE = "ports.json";
const ADMIN_PLACE_FILE = "admin.json";
/**
 * All that an instance ever puts into its directory, with what is numbered: doors behind the admin port (admin/doors/inner-doors.ts)
 * and rate limits. A directory with anything else in it is somebody else's.
 */
const OUR_FILES: ReadonlySet<string> = new Set([
  OWNER_FILE,
  SOCKET_FILE,
  ADMIN_PORT_FILE,
  MEMORY_FILE,
  PORTS_FILE,
  ADMIN_PLACE_FILE,
  `${ADMIN_PLACE_FILE}.new`,
]);
/** Where workers hear of places (proxy/pool/queue/wake-sockets.ts); where they hand over sockets is beside it. */
const OUR_WAKES = /^wake-[0-9]+\.sock$/;
/** Doors behind the admin port, and files of rate limits (rate-limit-files.ts). */
const OUR_NUMBERED_FILE = /^(?:port\.sock\.|rate-limit-)[1-9][0-9]*$/;
/** As `createRuntimeDirectory` names them: process id and what mkdtemp(3) adds. */
const OUR_NAME = new RegExp(`^${RUNTIME_DIRECTORY_PREFIX}[1-9][0-9]*-[A-Za-z0-9]{6}$`);
/** An owner that cannot be looked up may still be about to open its socket: it gets this long. */
const UNKNOWN_OWNER_AGE_MS = 60_000;
const CONNECT_TIMEOUT_MS = 500;
/** Of a process: zombie, dead. */
const ENDED_STATES: ReadonlySet<string> = new Set(["Z", "X"]);

/** Identity of a process; a process id alone is given again some day. */
interface Owner {
  readonly pid: number;
  /** Start of the process in clock ticks since boot; `null` where the system does not tell. */
  readonly startTicks: string | null;
  /** Which numbering the pid belongs to: containers have their own. `null` where there is only one. */
  readonly pidNamespace: string | null;
}

/** Paths within a runtime directory. */
export interface RuntimeDirectory {
  readonly path: string;
  readonly memoryPath: string;
  /** Where workers ask. */
  readonly socketPath: string;
  /** What is behind the admin port. */
  readonly adminPortPath: string;
  /** Which ports it listens on: see supervisor/ports/port-claims.ts. */
  readonly portsPath: string;
  /** Where its admin port is: see supervisor/ports/admin-place.ts. */
  readonly adminPlacePath: string;
}

/** Makes this process's runtime directory. */
export function claimRuntimeDirectory(): RuntimeDirectory {
  const path = createRuntimeDirectory();
  const owner: Owner = {
    pid: process.pid,
    startTicks: startTicksOf(process.pid),
    pidNamespace: pidNamespace(),
  };
  writeFileSync(join(path, OWNER_FILE), JSON.stringify(owner), { mode: 0o600 });
  return pathsIn(path);
}

/** Directories of living instances of this user, and the process id of each. */
export async function livingInstances(
  base = baseDirectory(),
): Promise<(RuntimeDirectory & { readonly pid: number })[]> {
  const living: (RuntimeDirectory & { readonly pid: number })[] = [];
  for (const name of readdirSync(base)) {
    if (!OUR_NAME.test(name)) continue;
    const paths = pathsIn(join(base, name));
    const owner = isOurs(paths.path) ? readOwner(paths.path) : null;
    if (owner === null) continue;
    const lives = owner.pidNamespace === pidNamespace() ? isRunning(owner) : await answers(paths.socketPath);
    if (lives) living.push({ ...paths, pid: owner.pid });
  }
  return living;
}

/** Whether the process lives that made the directory at `path`; once the answer was no, it stays so. */
export function lifeOf(path: string): () => boolean {
  const owner = readOwner(path);
  return () => owner !== null && isRunning(owner);
}

function pathsIn(path: string): RuntimeDirectory {
  return {
    path,
    memoryPath: join(path, MEMORY_FILE),
    socketPath: join(path, SOCKET_FILE),
    adminPortPath: join(path, ADMIN_PORT_FILE),
    portsPath: join(path, PORTS_FILE),
    adminPlacePath: join(path, ADMIN_PLACE_FILE),
  };
}

function isOurs(path: string): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat?.isDirectory() === true && stat.uid === process.getuid?.();
}

/**
 * Removes what dead instances of this user left, and says so. Never throws: what cannot be judged or removed stays.
 * @param wallMs since the epoch.
 * @returns the removed paths.
 */
export async function removeStaleRuntimeDirectories(
  wallMs: number,
  log: ControlLog,
  base = baseDirectory(),
): Promise<string[]> {
  const removed: string[] = [];
  for (const name of readdirSync(base)) {
    if (!OUR_NAME.test(name)) continue;
    const path = join(base, name);
    try {
      if (!(await isStale(path, wallMs))) continue;
      removeRuntimeDirectory(path);
      removed.push(path);
    } catch {
      // Vanished meanwhile (another instance cleans up as well), or not ours to remove.
    }
  }
  if (removed.length > 0) log.info({ directories: removed }, "removed what a dead instance left behind");
  return removed;
}

function baseDirectory(): string {
  return existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
}

async function isStale(path: string, wallMs: number): Promise<boolean> {
  const stat = lstatSync(path);
  if (!stat.isDirectory() || stat.uid !== process.getuid?.()) return false;
  if (!holdsOurFiles(path)) return false;
  const owner = readOwner(path);
  if (owner === null || owner.pidNamespace !== pidNamespace()) {
    if (wallMs - stat.mtimeMs < UNKNOWN_OWNER_AGE_MS) return false;
  } else if (isRunning(owner)) return false;
  return !(await answers(join(path, SOCKET_FILE)));
}

/** Empty says nothing about whose it is. */
function holdsOurFiles(path: string): boolean {
  const names = readdirSync(path);
  const isOurs = (name: string) =>
    OUR_FILES.has(name) || OUR_NUMBERED_FILE.test(name) || OUR_WAKES.test(name) || LISTEN_SOCKET_NAME.test(name);
  return names.length > 0 && names.every(isOurs);
}

function readOwner(path: string): Owner | null {
  try {
    const owner = JSON.parse(readFileSync(join(path, OWNER_FILE), "utf8")) as Owner;
    return Number.isInteger(owner.pid) && owner.pid > 0 ? owner : null;
  } catch {
    return null;
  }
}

function isRunning({ pid, startTicks }: Owner): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  if (ENDED_STATES.has(statOf(pid)?.[0] ?? "")) return false; // it only waits to be reaped
  const now = startTicksOf(pid);
  return startTicks === null || now === null || now === startTicks;
}

/** proc_pid_stat(5), field 22. */
function startTicksOf(pid: number): string | null {
  return statOf(pid)?.[19] ?? null;
}

/** Fields 3 and on of proc_pid_stat(5): the name, in parentheses, may contain anything, so they are counted after it. */
function statOf(pid: number): string[] | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return null;
  }
}

function pidNamespace(): string | null {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return null;
  }
}

/** True when a process listens on the socket. */
function answers(path: string): Promise<boolean> {
  if (!existsSync(path)) return Promise.resolve(false);
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(path);
  socket.setTimeout(CONNECT_TIMEOUT_MS, () => resolve(true)); // a full backlog belongs to somebody
  socket.once("connect", () => resolve(true));
  socket.once("error", () => resolve(false));
  return promise.finally(() => socket.destroy());
}
