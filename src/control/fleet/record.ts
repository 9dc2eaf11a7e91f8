/** What has become of one server since it came: how its checks ended, why it was ejected, and how long it was in which state. */
import type { CheckResult } from "../../health/probe/cause.ts";
import { EJECTION_CAUSES, type EjectionCause } from "../../shared/health-causes.ts";
import type { CheckCounts } from "../../telemetry/metrics/source.ts";
import type { ServerStateName } from "./status.ts";

/** Those that are told from the start, so that the first one of each is seen as a rise; the others when they happen. */
const USUAL_FAILURES = { refused: 0, timeout: 0, status: 0 };

/** One of a server that is there; it ends with it. */
export class ServerRecord {
  readonly #checks = { success: 0, failure: { ...USUAL_FAILURES } as Record<string, number>, skipped: {} };
  readonly #ejections = Object.fromEntries(EJECTION_CAUSES.map((cause) => [cause, 0])) as Record<EjectionCause, number>;
  /** Milliseconds by state, without the present stay. */
  readonly #stays = new Map<ServerStateName, number>();
  /** `null` = it was not looked at yet. */
  #state: ServerStateName | null = null;
  /** Since when it is in that state. */
  #sinceMs: number;

  /** @param nowMs the clock that `enter` goes by. */
  constructor(nowMs: number) {
    this.#sinceMs = nowMs;
  }

  onCheck(result: CheckResult): void {
    if (result.kind === "success") {
      this.#checks.success++;
      return;
    }
    const counts: Record<string, number> = this.#checks[result.kind];
    counts[result.cause] = (counts[result.cause] ?? 0) + 1;
  }

  onEjected(cause: EjectionCause): void {
    this.#ejections[cause]++;
  }

  /** It is in this state from now on. The time before the first call belongs to the state of that call. */
  enter(state: ServerStateName, nowMs: number): void {
    if (this.#state !== null) {
      this.#stays.set(this.#state, this.#stayMs(this.#state, nowMs));
      this.#sinceMs = nowMs;
    }
    this.#state = state;
  }

  get checks(): CheckCounts {
    return this.#checks;
  }

  get ejections(): Readonly<Record<EjectionCause, number>> {
    return this.#ejections;
  }

  /** Seconds by state, the one that it is in included: together they are as long as it is there. */
  stateSeconds(nowMs: number): Readonly<Record<string, number>> {
    const seconds: Record<string, number> = {};
    for (const [state, ms] of this.#stays) seconds[state] = toSeconds(ms);
    if (this.#state !== null) seconds[this.#state] = toSeconds(this.#stayMs(this.#state, nowMs));
    return seconds;
  }

  /** All stays in its present state, this one included. */
  #stayMs(state: ServerStateName, nowMs: number): number {
    return (this.#stays.get(state) ?? 0) + nowMs - this.#sinceMs;
  }
}

/** To the microsecond. */
function toSeconds(ms: number): number {
  return Math.round(ms * 1000) / 1_000_000;
}
