/** What is seen of a fleet's servers: the workers' counts, checks, and polls of their usage. */
import { onCheck } from "../../health/checked-server.ts";
import { isAlarming } from "../../health/fleet-ejection.ts";
import type { OutlierOptions } from "../../health/outlier-ejection.ts";
import type { CheckResult } from "../../health/probe/cause.ts";
import { UNKNOWN_USAGE, type Usage } from "../../health/probe/response.ts";
import { Header, type WorkerBlock } from "../../shared/memory/layout/shared-memory.ts";
import { FleetActivity } from "./activity.ts";
import type { ProberEvents } from "./prober.ts";
import type { FleetServer } from "./server.ts";
import type { FleetTable } from "./table.ts";

/** One fleet's. */
export class FleetObserver {
  readonly #table: FleetTable;
  readonly #nowMs: () => number;
  readonly #onVerdict: () => void;
  readonly #activity = new FleetActivity();
  #workers: readonly WorkerBlock[] = [];
  readonly counts = { healthChecks: 0, healthCheckFailures: 0, healthChecksSkipped: 0, usageIgnored: 0 };

  /** @param onVerdict a check has changed what is thought of a server. */
  constructor(table: FleetTable, nowMs: () => number, onVerdict: () => void) {
    this.#table = table;
    this.#nowMs = nowMs;
    this.#onVerdict = onVerdict;
  }

  /** Blocks of the shared memory that any worker has used. */
  get workers(): readonly WorkerBlock[] {
    return this.#workers;
  }

  /** How long nothing has happened to any server. */
  idleMs(nowMs: number): number {
    return this.#activity.idleMs(nowMs);
  }

  /** Does any server fail so many requests in a row that the next turn should not wait for its time? */
  anyAlarming(outlier: OutlierOptions): boolean {
    const { consecutiveFailures } = this.#table.memory.servers;
    return this.#activity.anyFailing(consecutiveFailures, (member) => isAlarming(member, outlier));
  }

  watch(member: FleetServer, nowMs: number): void {
    this.#activity.add(member, nowMs);
  }

  forget(member: FleetServer): void {
    member.prober.stop();
    this.#activity.remove(member);
  }

  /** Takes over what workers have counted since the last time. */
  readWorkers(nowMs: number): void {
    const { header, workers } = this.#table.memory;
    // The counts of workers that are gone still belong to the sums. No more than were used: reading a page of the sparse
    // file makes it real, and where there is no room for it ends the process.
    const count = header[Header.WORKER_BLOCKS];
    if (count !== this.#workers.length) this.#workers = workers.slice(0, count);
    this.#activity.look(this.#workers, nowMs, (member) => {
      member.windows.advance(this.#workers, nowMs);
      this.#writeUsage(member, nowMs); // reports come in responses, which are outcomes
    });
  }

  /** What becomes of a member's probes. @param member asked for when there is something to tell. */
  probesOf(member: () => FleetServer): ProberEvents {
    return {
      onCheck: (result) => this.#onCheck(member(), result),
      onUsage: (usage, ignored) => {
        this.#onUsage(member(), usage);
        this.counts.usageIgnored += ignored;
      },
    };
  }

  /** Its usage is not polled any more. */
  forgetUsage(member: FleetServer): void {
    this.#onUsage(member, UNKNOWN_USAGE);
  }

  #onCheck(member: FleetServer, result: CheckResult): void {
    member.record.onCheck(result);
    if (result.kind === "skipped") {
      this.counts.healthChecksSkipped++;
      return;
    }
    const healthy = result.kind === "success";
    this.counts.healthChecks++;
    if (!healthy) this.counts.healthCheckFailures++;
    const transition = onCheck(member, healthy, this.#nowMs());
    if (transition === "none") return;
    if (transition === "up") member.prober.forgetUsage();
    if (result.kind === "success") member.upReason = "health check passed";
    else member.downReason = `health check failed: ${result.reason}`;
    this.#onVerdict();
  }

  #onUsage(member: FleetServer, usage: Usage): void {
    member.usage.onPoll(usage);
    this.#writeUsage(member, this.#nowMs());
  }

  #writeUsage(member: FleetServer, nowMs: number): void {
    const { cpuPercent, memoryPercent } = member.usage.advance(this.#workers, nowMs);
    this.#table.setUsage(member.slot, cpuPercent, memoryPercent);
  }
}
