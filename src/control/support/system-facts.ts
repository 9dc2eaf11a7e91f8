/** What the machine and the container are like, as far as it matters: read from /proc and /sys, each a small file. */
import { readFile } from "node:fs/promises";
import { availableParallelism, freemem, loadavg, release, totalmem } from "node:os";

/** Of one file. */
const MAX_CHARS = 64 * 1024;

/** By name; what cannot be read is left out. */
const FILES: Readonly<Record<string, string>> = {
  kernel: "/proc/version",
  os_release: "/etc/os-release",
  pressure_cpu: "/proc/pressure/cpu",
  pressure_memory: "/proc/pressure/memory",
  pressure_io: "/proc/pressure/io",
  memory: "/proc/meminfo",
  sockets: "/proc/net/sockstat",
  sockets_v6: "/proc/net/sockstat6",
  files_open: "/proc/sys/fs/file-nr",
  somaxconn: "/proc/sys/net/core/somaxconn",
  local_ports: "/proc/sys/net/ipv4/ip_local_port_range",
  cgroup: "/proc/self/cgroup",
  cgroup_cpu_max: "/sys/fs/cgroup/cpu.max",
  cgroup_cpu_stat: "/sys/fs/cgroup/cpu.stat",
  cgroup_memory_max: "/sys/fs/cgroup/memory.max",
  cgroup_memory_current: "/sys/fs/cgroup/memory.current",
  cgroup_memory_events: "/sys/fs/cgroup/memory.events",
  cgroup_pids_max: "/sys/fs/cgroup/pids.max",
};

/** Limits and state of the process, too. Never rejects. */
export async function systemFacts(pids: readonly number[]): Promise<object> {
  const read = await Promise.all(
    Object.entries(FILES).map(async ([name, path]) => [name, await textOf(path)] as const),
  );
  const processes = await Promise.all(
    pids.map(async (pid) => ({
      pid,
      status: await textOf(`/proc/${pid}/status`),
      limits: await textOf(`/proc/${pid}/limits`),
    })),
  );
  return {
    platform: `${process.platform} ${process.arch}`,
    release: release(),
    cores: availableParallelism(),
    memory_bytes: totalmem(),
    memory_free_bytes: freemem(),
    load: loadavg(),
    files: Object.fromEntries(read.filter(([, text]) => text !== null)),
    processes,
  };
}

async function textOf(path: string): Promise<string | null> {
  try {
    return (await readFile(path, "utf8")).slice(0, MAX_CHARS);
  } catch {
    return null;
  }
}
