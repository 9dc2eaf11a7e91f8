/** CPU and memory as a server reports them on `/metrics`: measured, smoothed, in percent. */
import { readFileSync } from "node:fs";
import { freemem, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { cgroupLimits } from "../shared/proc/cgroup.ts";

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

/**
 * Memory in use, percent: of the tightest limit of the control groups around this process (page cache that can be dropped does not
 * count), or of the machine's memory where there is none.
 *
 * @param root where `/proc` and mount points are looked for.
 */
export function memoryPercent(root = "/"): number {
  return cgroupPercent(root) ?? machinePercent(readText(join(root, "proc/meminfo")));
}

function cgroupPercent(root: string): number | undefined {
  const { memory: limit } = cgroupLimits(root);
  if (limit === null || limit.value > totalmem()) return undefined;
  const group = join(root, dirname(limit.file));
  const text = (name: string): string => readText(join(group, name));
  const usage = Number(text("memory.current") || text("memory.usage_in_bytes") || Number.NaN);
  if (!(usage >= 0)) return undefined;
  const stat = text("memory.stat");
  // Version 1 counts the groups below it only in totals; version 2 always does.
  const pages = /^total_inactive_file (\d+)$/m.exec(stat) ?? /^inactive_file (\d+)$/m.exec(stat);
  const droppable = Number(pages?.[1] ?? 0);
  return clampPercent(((usage - droppable) / limit.value) * 100);
}

/** @param info `/proc/meminfo`; empty where there is none. */
function machinePercent(info: string): number {
  const total = Number(/^MemTotal:\s+(\d+)/m.exec(info)?.[1]);
  const available = Number(/^MemAvailable:\s+(\d+)/m.exec(info)?.[1]);
  if (total > 0 && available >= 0) return clampPercent((1 - available / total) * 100);
  return clampPercent((1 - freemem() / totalmem()) * 100);
}

function clampPercent(value: number): number {
  return Math.min(100, Math.max(0, value));
}

/** Empty where there is no such file. */
function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
