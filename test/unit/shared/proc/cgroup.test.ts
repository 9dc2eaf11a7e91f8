/** Limits of control groups as they are mounted on machines and in containers; each in a tree of files of its own. */
import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { allowedCpus } from "../../../../src/shared/proc/allowed-cpus.ts";
import { cgroupLimits } from "../../../../src/shared/proc/cgroup.ts";

const directory = mkdtempSync(join(tmpdir(), "neurabalancer-cgroup-"));
afterAll(() => rmSync(directory, { recursive: true }));
let trees = 0;

function limitsOf(files: Record<string, string>) {
  const root = join(directory, String(++trees));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    writeFileSync(join(root, path), `${text}\n`);
  }
  return cgroupLimits(root);
}

const V2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate";
const v1 = (root: string) =>
  [
    "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw",
    `32 31 0:29 ${root} /sys/fs/cgroup/cpu\\040time rw - cgroup cgroup rw,cpu,cpuacct`,
    `33 31 0:30 ${root} /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory`,
  ].join("\n");

test("in a container with a namespace for groups the limits are at the mount point", () => {
  expect(
    limitsOf({
      "proc/self/mountinfo": V2,
      "proc/self/cgroup": "0::/",
      "sys/fs/cgroup/cpu.max": "150000 100000",
      "sys/fs/cgroup/memory.max": "268435456",
    }),
  ).toEqual({
    cpus: { value: 1.5, file: "/sys/fs/cgroup/cpu.max" },
    memory: { value: 268435456, file: "/sys/fs/cgroup/memory.max" },
  });
});

test("the tightest of all groups around the process counts", () => {
  expect(
    limitsOf({
      "proc/self/mountinfo": V2,
      "proc/self/cgroup": "0::/pods/pod/it",
      "sys/fs/cgroup/pods/pod/it/cpu.max": "max 100000",
      "sys/fs/cgroup/pods/pod/it/memory.max": "1000",
      "sys/fs/cgroup/pods/pod/cpu.max": "200000 100000",
      "sys/fs/cgroup/pods/pod/memory.max": "2000",
      "sys/fs/cgroup/pods/cpu.max": "50000 50000",
    }),
  ).toEqual({
    cpus: { value: 1, file: "/sys/fs/cgroup/pods/cpu.max" },
    memory: { value: 1000, file: "/sys/fs/cgroup/pods/pod/it/memory.max" },
  });
});

test("version 1 has a hierarchy for each controller, and numbers for no limit", () => {
  const files = {
    "proc/self/mountinfo": v1("/"),
    "proc/self/cgroup": "4:memory:/it\n3:cpu,cpuacct:/it\n0::/",
    "sys/fs/cgroup/cpu time/it/cpu.cfs_quota_us": "25000",
    "sys/fs/cgroup/cpu time/it/cpu.cfs_period_us": "50000",
    "sys/fs/cgroup/memory/it/memory.limit_in_bytes": "4096000",
  };
  expect(limitsOf(files)).toEqual({
    cpus: { value: 0.5, file: "/sys/fs/cgroup/cpu time/it/cpu.cfs_quota_us" },
    memory: { value: 4096000, file: "/sys/fs/cgroup/memory/it/memory.limit_in_bytes" },
  });
  const none = {
    "sys/fs/cgroup/cpu time/it/cpu.cfs_quota_us": "-1",
    "sys/fs/cgroup/memory/it/memory.limit_in_bytes": "9223372036854771712",
  };
  expect(limitsOf({ ...files, ...none })).toEqual({ cpus: null, memory: null });
});

test("a container without such a namespace is told paths of the machine, and sees its own group alone", () => {
  for (const path of ["/docker/4711", "/docker/4711/inner", "/elsewhere", "/../outside"]) {
    const { cpus } = limitsOf({
      "proc/self/mountinfo": v1("/docker/4711"),
      "proc/self/cgroup": `3:cpu,cpuacct:${path}`,
      "sys/fs/cgroup/cpu time/cpu.cfs_quota_us": "200000",
      "sys/fs/cgroup/cpu time/cpu.cfs_period_us": "100000",
    });
    expect(cpus).toEqual({ value: 2, file: "/sys/fs/cgroup/cpu time/cpu.cfs_quota_us" });
  }
});

test("where nothing is said, or nonsense, there is no limit", () => {
  const none = { cpus: null, memory: null };
  expect(limitsOf({})).toEqual(none);
  expect(
    limitsOf({
      "proc/self/mountinfo": `${V2}\nnonsense`,
      "proc/self/cgroup": "0::/\nnonsense",
      "sys/fs/cgroup/cpu.max": "many few",
      "sys/fs/cgroup/memory.max": "-1",
    }),
  ).toEqual(none);
});

test.each(["a - cgroup2", " - cgroup cgroup rw", "1 2 3 4 5 - cgroup c"])(
  "a mount that is told in part is none: %p",
  (mounts) => {
    expect(limitsOf({ "proc/self/mountinfo": mounts, "proc/self/cgroup": "0::/\n1:cpu:/" })).toEqual({
      cpus: null,
      memory: null,
    });
  },
);

test("a period of no time is no limit", () => {
  const files = { "proc/self/mountinfo": V2, "proc/self/cgroup": "0::/", "sys/fs/cgroup/cpu.max": "100000 0" };
  expect(limitsOf(files).cpus).toBeNull();
});

test("CPUs are counted by affinity", () => {
  const status = join(directory, "status");
  for (const [list, count] of [
    ["0", 1],
    ["0-3", 4],
    ["0-1,4,8-11", 7],
  ] as const) {
    writeFileSync(status, `Name:\tbun\nCpus_allowed:\tff\nCpus_allowed_list:\t${list}\n`);
    expect(allowedCpus(status)).toBe(count);
  }
  expect(allowedCpus(join(directory, "none"))).toBeGreaterThanOrEqual(1);
});
