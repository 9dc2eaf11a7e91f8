/** Probes one server on its own clock: the health check, then the poll of its usage. */
import type { SecureContext } from "node:tls";
import packageJson from "../../package.json" with { type: "json" };
import { type RunningProbe, startProbe } from "../health/http-probe.ts";
import { readUsage, UNKNOWN_USAGE, type Usage } from "../health/probe-response.ts";
import { ProbeSchedule } from "../health/probe-schedule.ts";
import type { DiscoveredServer } from "./discovery-targets.ts";
import type { FleetOptions, HealthOptions } from "./fleet-options.ts";

/** What probes find out. */
export interface ProberEvents {
  /** @param reason why it failed, or what it answered. */
  onHealth(healthy: boolean, reason: string): void;
  /** @param ignored numbers of the answer that cannot be true. */
  onUsage(usage: Usage, ignored: number): void;
}

export class Prober {
  readonly #events: ProberEvents;
  readonly #schedule: ProbeSchedule;
  #busy = false;
  #stopped = false;
  #running: RunningProbe | undefined;

  constructor(events: ProberEvents, random: () => number) {
    this.#events = events;
    this.#schedule = new ProbeSchedule(random);
  }

  /** The next round is due at once. */
  alarm(): void {
    this.#schedule.alarm();
  }

  /** Starts a round when it is due. The first is due at once; a round under way is never doubled. */
  tick(
    nowMs: number,
    server: DiscoveredServer,
    options: FleetOptions,
    trust: SecureContext | undefined,
    hurry: boolean,
  ): void {
    const { health, metricsPoll } = options;
    if (this.#busy || this.#stopped || !(health.enabled || metricsPoll.enabled)) return;
    if (!this.#schedule.isDue(nowMs, health.intervalMs, hurry)) return;
    this.#schedule.begun(nowMs);
    this.#busy = true;
    void this.#round(server, options, trust).finally(() => {
      this.#busy = false;
    });
  }

  /** No event comes after this. */
  stop(): void {
    this.#stopped = true;
    this.#running?.abort();
  }

  async #round(server: DiscoveredServer, options: FleetOptions, trust: SecureContext | undefined): Promise<void> {
    const { health, metricsPoll } = options;
    if (health.enabled) {
      const answer = await this.#ask(server, health, health.path, trust, false);
      if (this.#stopped) return;
      const healthy = answer.kind === "answer" && answer.status >= 200 && answer.status <= 299;
      this.#events.onHealth(healthy, answer.kind === "answer" ? `status ${answer.status}` : answer.reason);
      if (!healthy) return; // a server that is down has no usage worth a wait
    }
    if (!metricsPoll.enabled) return;
    const answer = await this.#ask(server, health, metricsPoll.path, trust, true);
    if (this.#stopped) return;
    let ignored = 0;
    const usage =
      answer.kind === "answer" && answer.status === 200 ? readUsage(answer.body, () => ignored++) : UNKNOWN_USAGE;
    this.#events.onUsage(usage, ignored);
  }

  #ask(
    server: DiscoveredServer,
    { host, headers, timeoutMs }: HealthOptions,
    path: string,
    trust: SecureContext | undefined,
    wantBody: boolean,
  ): RunningProbe["result"] {
    const { hostname, address, port, spec } = server;
    const target = { hostname, address, port, tls: spec.scheme === "https" };
    const version = packageJson.version;
    this.#running = startProbe({ target, path, timeoutMs, trust, version, wantBody, host, headers });
    return this.#running.result;
  }
}
