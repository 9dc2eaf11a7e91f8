/**
 * `bun test-guard.ts <limit> <grace> <command …>`, both in seconds: runs the command and ends every process that it leaves
 * behind, also those that have lost their parents or detached themselves, whatever becomes of the command, or of who
 * started this:
 *
 * - the command ends: what it started has a while to end, too; what does not is named and killed, and the exit code is 70;
 * - standard input ends, because whoever started this is gone: everything is killed;
 * - the limit passes: the same, with a message, and exit code 124;
 * - SIGTERM or SIGINT: the command gets it, and five seconds later everything is killed.
 *
 * Where it may, it gives the run a /dev/shm of its own: other runs and instances on the machine remove what dead instances
 * left there, and tests look at that.
 *
 * On Linux all of them are found, because the orphans among its descendants become children of this process
 * (PR_SET_CHILD_SUBREAPER, prctl(2)). Elsewhere only the command itself is ended.
 */
import { dlopen } from "bun:ffi";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const LEFT_BEHIND = 70;
const TIMED_OUT = 124;
const STOPPED = 130;
const PR_SET_CHILD_SUBREAPER = 36;
const WNOHANG = 1;

interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly zombie: boolean;
}

const [limitSeconds, graceSeconds, ...command] = process.argv.slice(2);
const libc = loadLibc();
libc?.prctl(PR_SET_CHILD_SUBREAPER, 1n, 0n, 0n, 0n);
const child = Bun.spawn([...ownSharedMemory(), ...command], { stdio: ["ignore", "inherit", "inherit"] });
/** Every process of the run that was seen. */
const seen = new Set([child.pid]);
let ending = false;

const watch = setInterval(() => {
  for (const { pid } of descendants()) seen.add(pid);
  reapOrphans();
}, 500);
const limit = setTimeout(() => {
  console.error(`the command did not end within ${limitSeconds} s; these processes ran:\n${describe(descendants())}`);
  end(TIMED_OUT);
}, Number(limitSeconds) * 1000);
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    ending = true;
    child.kill(signal);
    setTimeout(() => end(STOPPED), 5_000);
  });
}
void watchStarter();
await child.exited;
clearTimeout(limit);
if (ending) end(STOPPED);
if (child.signalCode !== null) console.error(`the test runner was ended by ${child.signalCode}`);
const left = await leftOver();
if (left.length > 0) console.error(`the tests left processes behind:\n${describe(left)}`);
const files = leftFiles();
if (files.length > 0) console.error(`the tests left files behind:\n${files.map((path) => `  ${path}`).join("\n")}`);
end(left.length + files.length > 0 ? LEFT_BEHIND : (child.exitCode ?? 1));

/** What to put before the command for a /dev/shm of its own; nothing where that may not be. */
function ownSharedMemory(): string[] {
  const mount = ["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/dev/shm"];
  if (Bun.which("unshare") === null || Bun.spawnSync(mount).exitCode !== 0) return [];
  return ["unshare", "-m", "sh", "-c", 'mount -t tmpfs tmpfs /dev/shm && exec "$@"', "sh"];
}

/** Kills everything, takes away what the run wrote into its temporary directory, and exits. */
function end(code: number): never {
  clearInterval(watch);
  // Until there are none: one that forked meanwhile has left a child.
  for (let found = descendants(); found.length > 0; found = descendants()) {
    for (const { pid } of found) kill(pid);
    reapOrphans();
    Bun.sleepSync(20);
  }
  removeShared();
  if (process.env.TEST_RUN !== undefined) rmSync(tmpdir(), { recursive: true, force: true });
  process.exit(code);
}

async function watchStarter(): Promise<void> {
  for await (const _ of Bun.stdin.stream()) {
    // nothing is said on it
  }
  // The directory around the temporary one was the starter's to remove.
  if (process.env.TEST_RUN !== undefined)
    process.once("exit", () => rmSync(dirname(tmpdir()), { recursive: true, force: true }));
  end(STOPPED);
}

/** Processes that are still there when the grace is over. */
async function leftOver(): Promise<ProcessEntry[]> {
  const until = performance.now() + Number(graceSeconds) * 1000;
  for (;;) {
    const found = descendants();
    if (found.length === 0 || performance.now() > until) return found;
    await Bun.sleep(50);
  }
}

/** Running descendants of this process; none where there is no /proc. */
function descendants(): ProcessEntry[] {
  const all = processes();
  const found: ProcessEntry[] = [];
  const parents = new Set([process.pid]);
  // A child may have a lower number than its parent: numbers wrap around.
  for (let before = -1; before !== parents.size; ) {
    before = parents.size;
    for (const entry of all) {
      if (!parents.has(entry.parent) || parents.has(entry.pid)) continue;
      parents.add(entry.pid);
      if (!entry.zombie) found.push(entry);
    }
  }
  return found;
}

function processes(): ProcessEntry[] {
  if (!existsSync("/proc/self/stat")) return [];
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      // proc_pid_stat(5): the name in parentheses may have any character in it.
      const stat = readFileSync(`/proc/${name}/stat`, "latin1");
      const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return [{ pid: Number(name), parent: Number(parent), zombie: state === "Z" || state === "X" }];
    } catch {
      return []; // gone meanwhile
    }
  });
}

/** One line for each: number, command, and the test file that started it or its parent. */
function describe(entries: readonly ProcessEntry[]): string {
  const read = (pid: number, file: string) => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, "utf8").split("\0");
    } catch {
      return [];
    }
  };
  return entries
    .map(({ pid }) => {
      const by = read(pid, "environ").find((entry) => entry.startsWith("TEST_FILE="));
      const from = by === undefined ? "" : `, of ${by.slice("TEST_FILE=".length)}`;
      return `  ${pid}: ${read(pid, "cmdline").join(" ").slice(0, 300).trim()}${from}`;
    })
    .join("\n");
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // gone meanwhile
  }
}

/** Waits for those that have become children of this process: nobody else will. */
function reapOrphans(): void {
  for (const { pid, parent, zombie } of processes()) {
    if (zombie && parent === process.pid && pid !== child.pid) libc?.waitpid(pid, null, WNOHANG);
  }
}

/** Shared memory of the test process that its tests did not remove, and what they left in the temporary directory. */
function leftFiles(): string[] {
  const shared = runtimeDirectories().filter(({ owner }) => owner === child.pid);
  const temporary = process.env.TEST_RUN === undefined ? [] : readdirSync(tmpdir()).map((name) => join(tmpdir(), name));
  return [...shared.map(({ path }) => path), ...temporary];
}

/** Removes the shared memory of supervisors that were killed: the next instance would, but there may be none. */
function removeShared(): void {
  for (const { path, owner } of runtimeDirectories()) {
    if (seen.has(owner)) rmSync(path, { recursive: true, force: true });
  }
}

function runtimeDirectories(): { readonly path: string; readonly owner: number }[] {
  if (!existsSync("/dev/shm")) return [];
  return readdirSync("/dev/shm").flatMap((name) => {
    const owner = /^neurabalancer-(\d+)-/.exec(name)?.[1];
    return owner === undefined ? [] : [{ path: join("/dev/shm", name), owner: Number(owner) }];
  });
}

function loadLibc() {
  if (process.platform !== "linux") return null;
  const functions = {
    prctl: { args: ["i32", "u64", "u64", "u64", "u64"], returns: "i32" },
    waitpid: { args: ["i32", "ptr", "i32"], returns: "i32" },
  } as const;
  for (const name of ["libc.so.6", `libc.musl-${process.arch === "x64" ? "x86_64" : "aarch64"}.so.1`]) {
    try {
      return dlopen(name, functions).symbols;
    } catch {
      // the other C library
    }
  }
  return null;
}
