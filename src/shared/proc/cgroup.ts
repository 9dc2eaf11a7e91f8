/** What the control group of this process, and those around it, allow it: cgroups(7), version 1 and 2, also mixed. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A limit, and the file that sets it. */
export interface CgroupLimit {
  readonly value: number;
  readonly file: string;
}

/** The tightest limits from its own group to the outermost that is seen; `null` = none, or the system does not tell. */
export interface CgroupLimits {
  /** CPUs, which may be a part of one. */
  readonly cpus: CgroupLimit | null;
  /** Bytes. */
  readonly memory: CgroupLimit | null;
}

/** Where groups of one hierarchy are seen, and which part of it. */
interface Mount {
  readonly root: string;
  readonly point: string;
  /** `null` = version 2, which has all in one. */
  readonly controllers: readonly string[] | null;
}

/** Version 1 says "no limit" by a number near 2^63. */
const UNLIMITED_BYTES = 2 ** 60;

/** @param root where `/proc` and mount points are looked for. */
export function cgroupLimits(root = "/"): CgroupLimits {
  const groups = directoriesOf(root);
  return { cpus: tightest(root, groups("cpu"), cpusOf), memory: tightest(root, groups("memory"), memoryOf) };
}

/** For a controller the directories of the groups that this process is in, its own first. */
function directoriesOf(root: string): (controller: string) => readonly string[] {
  const mounts = read(join(root, "proc/self/mountinfo")).split("\n").flatMap(mountOf);
  const memberships = read(join(root, "proc/self/cgroup"))
    .split("\n")
    .flatMap((line) => {
      const [, number, controllers, path] = /^(\d+):([^:]*):(\/.*)$/.exec(line) ?? [];
      return path === undefined ? [] : [{ isSecond: number === "0", controllers: controllers.split(","), path }];
    });
  return (controller) =>
    memberships.flatMap(({ isSecond, controllers, path }) => {
      if (!isSecond && !controllers.includes(controller)) return [];
      const mount = mounts.find((one) =>
        isSecond ? one.controllers === null : one.controllers?.includes(controller) === true,
      );
      return mount === undefined ? [] : upwards(mount, path);
    });
}

/** A line of proc_pid_mountinfo(5). */
function mountOf(line: string): Mount[] {
  const [place, filesystem] = line.split(" - ");
  const [, , , root, point] = place.split(" ");
  const [type, , options] = filesystem?.split(" ") ?? [];
  if ((type !== "cgroup" && type !== "cgroup2") || point === undefined || options === undefined) return [];
  return [{ root: plain(root), point: plain(point), controllers: type === "cgroup2" ? null : options.split(",") }];
}

/** Spaces and the like stand there as octal numbers. */
function plain(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/**
 * A container that has no namespace for groups is told the path from the machine's root, and sees its own group where it is mounted.
 */
function upwards({ root, point }: Mount, path: string): string[] {
  const under = root === "/" ? path : path === root || path.startsWith(`${root}/`) ? path.slice(root.length) : "/";
  const names = under.split("/").filter((name) => name !== "");
  if (names.includes("..")) return [point];
  return [...names.map((_, at) => join(point, ...names.slice(0, names.length - at))), point];
}

function tightest(
  root: string,
  directories: readonly string[],
  limitOf: (text: (name: string) => string) => { readonly value: number; readonly name: string } | null,
): CgroupLimit | null {
  let found: CgroupLimit | null = null;
  for (const directory of directories) {
    const limit = limitOf((name) => read(join(root, directory, name)).trim());
    // A period of 0 would be no limit at all.
    if (limit === null || !(limit.value > 0 && limit.value < Number.POSITIVE_INFINITY)) continue;
    if (found !== null && found.value <= limit.value) continue;
    found = { value: limit.value, file: join(directory, limit.name) };
  }
  return found;
}

function cpusOf(text: (name: string) => string): ReturnType<Parameters<typeof tightest>[2]> {
  const second = /^(\d+) (\d+)$/.exec(text("cpu.max"));
  if (second !== null) return { value: Number(second[1]) / Number(second[2]), name: "cpu.max" };
  const quota = Number(text("cpu.cfs_quota_us") || Number.NaN); // -1 = none
  return quota > 0 ? { value: quota / Number(text("cpu.cfs_period_us")), name: "cpu.cfs_quota_us" } : null;
}

function memoryOf(text: (name: string) => string): ReturnType<typeof cpusOf> {
  for (const name of ["memory.max", "memory.limit_in_bytes"]) {
    const bytes = Number(text(name) || Number.NaN); // "max" = none
    if (bytes < UNLIMITED_BYTES) return { value: bytes, name };
  }
  return null;
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
