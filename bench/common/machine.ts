/** Where and when the figures were measured. */
import { cpus, release, totalmem } from "node:os";

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly runtime: string;
  /** Day, in UTC. */
  readonly date: string;
}

/** This machine. */
export function describeMachine(wallMs: number): Machine {
  return {
    processor: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release().replace(/^(\d+\.\d+).*/, "Linux $1"),
    runtime: `Bun ${Bun.version}`,
    date: new Date(wallMs).toISOString().slice(0, 10),
  };
}

/** One line for tables and plots. */
export function machineLine({ processor, cores, memoryGiB, kernel, runtime, date }: Machine): string {
  return `${processor}, ${cores} cores, ${memoryGiB} GiB, ${kernel}, ${runtime}, ${date}`;
}
