/** How many workers there are to be, by what the machine and its control group allow, and what that takes. */
import type { Config } from "../../config/config.ts";
import { MAX_WORKERS } from "../../shared/memory/layout/shared-memory.ts";
import { allowedCpus } from "../../shared/proc/allowed-cpus.ts";
import { type CgroupLimit, type CgroupLimits, cgroupLimits } from "../../shared/proc/cgroup.ts";

const MIB = 1024 * 1024;
/** The runtime's code, the first process, the recorder and the learner, each as measured under load: docs/deployment.md. */
const FIXED_MIB = 150;
/** Explanations, which are good to have, take no more than this part of a limit; but what they cannot do without. */
const EXPLAIN_PART = 1 / 8;
const LEAST_EXPLAIN_MIB = 4;
/** A worker under load, with its part of the shared memory. */
const WORKER_MIB = 45;

/** What it follows from. */
export interface Allowance {
  readonly platform: string;
  /** By affinity. */
  readonly cpus: number;
  readonly limits: CgroupLimits;
}

/** What it comes to. */
export interface WorkerPlan {
  readonly workers: number;
  /** A clause for people. */
  readonly why: string;
  /** Of the control group, CPUs and bytes; `null` = none. */
  readonly cpuLimit: number | null;
  readonly memoryLimit: number | null;
  /** Most that explanations may take, bytes. */
  readonly explainMemory: number;
  /** What so many workers need, bytes: a rule of thumb. */
  readonly memoryNeeded: number;
  /** What to say when the limit is lower; `null` = it is not. */
  readonly warning: string | null;
}

/** What of the configuration it depends on. */
export type PlannedSettings = Pick<Config, "app" | "explain">;

/** A configuration is planned for once: whoever asks gets the same answer, and a reload looks at the limits again. */
const plans = new WeakMap<PlannedSettings["app"], WorkerPlan>();

/** How many workers there are to be with `config`. */
export function workerCount(config: PlannedSettings): number {
  return workerPlan(config).workers;
}

/** The same, and why. */
export function workerPlan(config: PlannedSettings): WorkerPlan {
  let plan = plans.get(config.app);
  if (plan === undefined) {
    plan = planWorkers(config, { platform: process.platform, cpus: allowedCpus(), limits: cgroupLimits() });
    plans.set(config.app, plan);
  }
  return plan;
}

/** As `workerPlan`, for any machine. */
export function planWorkers({ app, explain }: PlannedSettings, { platform, cpus, limits }: Allowance): WorkerPlan {
  const { memory } = limits;
  const part = memory === null ? Number.POSITIVE_INFINITY : Math.floor((memory.value / MIB) * EXPLAIN_PART);
  const explainMib = Math.min(explain.memoryMb, Math.max(LEAST_EXPLAIN_MIB, part));
  const fixedMib = FIXED_MIB + (explain.enabled ? explainMib : 0);
  const { workers, why } =
    app.workers > 0
      ? { workers: app.workers, why: `WORKERS=${app.workers}` }
      : choose(platform, cpus, limits, fixedMib);
  const needed = (fixedMib + workers * WORKER_MIB) * MIB;
  return {
    workers,
    why,
    cpuLimit: limits.cpus?.value ?? null,
    memoryLimit: memory?.value ?? null,
    explainMemory: explainMib * MIB,
    memoryNeeded: needed,
    warning: memory !== null && memory.value < needed ? tooLittle(memory, needed, workers, app.workers > 1) : null,
  };
}

function choose(
  platform: string,
  cpus: number,
  { cpus: share, memory }: CgroupLimits,
  fixedMib: number,
): Pick<WorkerPlan, "workers" | "why"> {
  // Elsewhere the kernel does not spread connections over sockets that share a port.
  if (platform !== "linux") return { workers: 1, why: "WORKERS=0: one, as this is not Linux" };
  let workers = cpus;
  let why = `WORKERS=0: one for ${cpus === 1 ? "the only CPU" : `each of ${cpus} CPUs`}`;
  if (share !== null && Math.ceil(share.value) < workers) {
    workers = Math.ceil(share.value);
    why = `WORKERS=0: the control group allows ${rounded(share.value)} of ${cpus} CPUs (${share.file})`;
  }
  const fitting = memory === null ? Number.POSITIVE_INFINITY : (memory.value / MIB - fixedMib) / WORKER_MIB;
  if (memory !== null && fitting < workers && workers > 1) {
    workers = Math.max(1, Math.floor(fitting));
    why = `WORKERS=0: the control group allows ${mebibytes(memory.value)} of memory (${memory.file}), some ${WORKER_MIB} MiB for each beside ${fixedMib} MiB`;
  }
  if (workers > MAX_WORKERS) return { workers: MAX_WORKERS, why: `WORKERS=0: no more than ${MAX_WORKERS}` };
  return { workers, why };
}

function tooLittle({ value, file }: CgroupLimit, needed: number, workers: number, isChosen: boolean): string {
  const fewer = isChosen ? ", have fewer WORKERS" : "";
  return `the control group allows ${mebibytes(value)} of memory (${file}), and ${workers === 1 ? "a worker with all that belongs to it" : `${workers} workers with all that belongs to them`} may come to ${mebibytes(needed)}: the kernel ends processes that go over it. Allow more${fewer} or set EXPLAIN=off`;
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / MIB)} MiB`;
}

function rounded(value: number): string {
  return String(Number(value.toFixed(2)));
}
