/** A machine that stands still: every process of every contestant is stopped at the moments at which its servers do nothing. */
import { readFileSync } from "node:fs";
import { createSchedule, type RunSpec } from "./plan.ts";

/** When the machine stands still, milliseconds since the run began. */
export interface Stall {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** The stalls of a run, in the order of time. */
export function stallsOf(spec: RunSpec): Stall[] {
  const schedule = createSchedule(spec);
  const stalls: Stall[] = [];
  let reasons = 0;
  let fromMs = 0;
  for (let nowMs = schedule.nextMs; nowMs < spec.durationMs; nowMs = schedule.nextMs) {
    schedule.advance((effect, _server, on) => {
      if (effect.kind !== "freeze") return;
      reasons += on ? 1 : -1;
      if (on && reasons === 1) fromMs = nowMs;
      if (reasons === 0) stalls.push({ fromMs, untilMs: nowMs });
    });
  }
  return stalls;
}

/** Plays them. Whoever stops them early must call `end`: it lets everybody go on. */
export class StallPlayer {
  readonly #timers: Timer[] = [];
  readonly #programs: readonly number[];
  #stopped: number[] = [];

  /** @param programs whose processes, and those that they have started, are stopped. @param startsAtMs wall clock. */
  constructor(stalls: readonly Stall[], programs: readonly number[], startsAtMs: number) {
    this.#programs = programs;
    const at = (ms: number, act: () => void): void => {
      this.#timers.push(setTimeout(act, startsAtMs + ms - Date.now()));
    };
    for (const { fromMs, untilMs } of stalls) {
      at(fromMs, () => this.#stop());
      at(untilMs, () => this.#goOn());
    }
  }

  end(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#goOn();
  }

  #stop(): void {
    this.#stopped = this.#programs.flatMap(familyOf);
    for (const pid of this.#stopped) signal(pid, "SIGSTOP");
  }

  #goOn(): void {
    for (const pid of this.#stopped) signal(pid, "SIGCONT");
    this.#stopped = [];
  }
}

/** A process and all that it has started: proc_pid_task_children(5). */
function familyOf(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").trim();
    return [pid, ...(children === "" ? [] : children.split(" ").map(Number)).flatMap(familyOf)];
  } catch {
    return []; // it has ended
  }
}

function signal(pid: number, name: "SIGSTOP" | "SIGCONT"): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended.
  }
}
