/** CPU and memory as a server reports them on `/metrics`: measured, smoothed, in percent. */
import { readFileSync } from "node:fs";
import { freemem, totalmem } from "node:os";

/**
 * Exponentially weighted moving average over time: a sample's weight falls by e every `timeConstantMs`, whatever the
 * distance between samples.
 */
export class TimedAverage {
  readonly #timeConstantMs: number;
  #value = Number.NaN;

  constructor(timeConstantMs: number) {
    this.#timeConstantMs = timeConstantMs;
  }

  /** The average; NaN before the first sample. */
  get value(): number {
    return this.#value;
  }

  /** Adds a sample that stands for the last `elapsedMs`. */
  add(sample: number, elapsedMs: number): void {
    if (Number.isNaN(this.#value)) {
      this.#value = sample;
      return;
    }
    this.#value += (sample - this.#value) * (1 - Math.exp(-elapsedMs / this.#timeConstantMs));
  }
}

/** CPU of this process in percent of one core, smoothed over about five seconds. */
export class CpuMeter {
  readonly #average = new TimedAverage(5000);
  readonly #cpuMs: () => number;
  #lastCpuMs: number;
  #lastMs: number;

  /** @param cpuMs CPU time used so far, user and system, milliseconds. */
  constructor(cpuMs: () => number, nowMs: number) {
    this.#cpuMs = cpuMs;
    this.#lastCpuMs = cpuMs();
    this.#lastMs = nowMs;
  }

  /** To be called every half second or so. */
  sample(nowMs: number): void {
    const elapsedMs = nowMs - this.#lastMs;
    if (elapsedMs <= 0) return;
    const cpuMs = this.#cpuMs();
    this.#average.add(((cpuMs - this.#lastCpuMs) / elapsedMs) * 100, elapsedMs);
    this.#lastCpuMs = cpuMs;
    this.#lastMs = nowMs;
  }

  /** Percent of one core; 0 before the first sample. */
  get percent(): number {
    return Number.isNaN(this.#average.value) ? 0 : this.#average.value;
  }
}

/** CPU time of this process, milliseconds. */
export function processCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** A file's text, or `undefined` where there is none. */
export type ReadText = (path: string) => string | undefined;

/**
 * Memory in use, percent: of the container's limit where there is one (cgroup v2, then v1; page cache that can be
 * dropped does not count), otherwise of the machine's memory.
 */
export function memoryPercent(read: ReadText = readText): number {
  return (
    cgroupPercent(read, "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory.stat") ??
    cgroupPercent(
      read,
      "/sys/fs/cgroup/memory/memory.limit_in_bytes",
      "/sys/fs/cgroup/memory/memory.usage_in_bytes",
      "/sys/fs/cgroup/memory/memory.stat",
    ) ??
    machinePercent(read)
  );
}

function cgroupPercent(read: ReadText, limitPath: string, usagePath: string, statPath: string): number | undefined {
  const limit = Number(read(limitPath));
  // "max" is NaN; cgroup v1 says "no limit" by a number near 2^63.
  if (!(limit > 0) || limit > totalmem()) return undefined;
  const usage = Number(read(usagePath));
  if (!(usage >= 0)) return undefined;
  const droppable = Number(/^(?:total_)?inactive_file (\d+)$/m.exec(read(statPath) ?? "")?.[1] ?? 0);
  return clampPercent(((usage - droppable) / limit) * 100);
}

function machinePercent(read: ReadText): number {
  const info = read("/proc/meminfo") ?? "";
  const total = Number(/^MemTotal:\s+(\d+)/m.exec(info)?.[1]);
  const available = Number(/^MemAvailable:\s+(\d+)/m.exec(info)?.[1]);
  if (total > 0 && available >= 0) return clampPercent((1 - available / total) * 100);
  return clampPercent((1 - freemem() / totalmem()) * 100);
}

function clampPercent(value: number): number {
  return Math.min(100, Math.max(0, value));
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
