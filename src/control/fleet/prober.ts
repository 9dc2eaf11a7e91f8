/** Probes one server on its own clock: the health check, then the poll of its usage. */
import type { SecureContext } from "node:tls";
import packageJson from "../../../package.json" with { type: "json" };
import type { CheckResult } from "../../health/probe/cause.ts";
import { type ProbeResult, type ProbeType, type RunningProbe, startProbe } from "../../health/probe/probe.ts";
import { readUsage, UNKNOWN_USAGE, type Usage } from "../../health/probe/response.ts";
import { ProbeSchedule } from "../../health/probe/schedule.ts";
import { UsagePolls } from "../../health/usage-polls.ts";
import { SERVER_PROTOCOLS } from "../../shared/server-spec.ts";
import type { DiscoveredServer } from "../discovery/discovered-server.ts";
import type { FleetOptions, HealthOptions } from "./options.ts";

/** What probes find out. */
export interface ProberEvents {
  onCheck(result: CheckResult): void;
  /** @param ignored numbers of the response that cannot be true. */
  onUsage(usage: Usage, ignored: number): void;
}

/** A check that ends so long after its deadline was not looked at in time: the process did not run, and knows nothing. */
const NOT_RUNNING_MS = 1_000;

export class Prober {
  readonly #events: ProberEvents;
  readonly #nowMs: () => number;
  readonly #schedule: ProbeSchedule;
  #polls = new UsagePolls();
  #busy = false;
  #stopped = false;
  #running: RunningProbe | undefined;
  /** The last probe was answered. */
  #accepts = false;
  #skipped = false;

  constructor(events: ProberEvents, random: () => number, nowMs: () => number) {
    this.#events = events;
    this.#nowMs = nowMs;
    this.#schedule = new ProbeSchedule(random);
  }

  /** The last probe could not be made, for want of something of our own. */
  get skipped(): boolean {
    return this.#skipped;
  }

  /** The next round is due at once. */
  alarm(): void {
    this.#schedule.alarm();
  }

  /** It was started again, or is asked for something else: whether it tells its usage is to be seen. */
  forgetUsage(): void {
    this.#polls = new UsagePolls(); // what a poll under way will tell belongs to the old ones
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
    if (this.#busy || !this.#schedule.isDue(nowMs, health.intervalMs, hurry)) return;
    if (this.#stopped || !(health.enabled || (metricsPoll.enabled && this.#polls.isDue(nowMs)))) return;
    this.#schedule.begun(nowMs);
    this.#busy = true;
    void this.#round(nowMs, server, options, trust).finally(() => {
      this.#busy = false;
    });
  }

  /** No event comes after this. */
  stop(): void {
    this.#stopped = true;
    this.#running?.abort();
  }

  async #round(
    nowMs: number,
    server: DiscoveredServer,
    options: FleetOptions,
    trust: SecureContext | undefined,
  ): Promise<void> {
    const { health, metricsPoll } = options;
    if (health.enabled) {
      const { type = "http" } = health;
      const reply = await this.#ask(server, options, health.path, trust, health.body ?? false, type);
      if (this.#stopped) return;
      const result = resultOf(reply, health);
      this.#events.onCheck(result);
      if (result.kind !== "success") return; // a server that is down has no usage worth a wait
    }
    const polls = this.#polls;
    if (!metricsPoll.enabled || !polls.isDue(nowMs)) return;
    const reply = await this.#ask(server, options, metricsPoll.path, trust, true, "http");
    if (this.#stopped || reply.kind === "skipped") return;
    let ignored = 0;
    const usage = reply.kind === "response" && reply.status === 200 ? readUsage(reply.body, () => ignored++) : null;
    const failed = reply.kind === "error" || reply.status >= 500;
    polls.onOutcome(usage !== null ? "offered" : failed ? "failed" : "none", nowMs, health.intervalMs);
    this.#events.onUsage(usage ?? UNKNOWN_USAGE, ignored);
  }

  async #ask(
    server: DiscoveredServer,
    { health, upstreamServerName: serverName, upstreamProxyProtocol: told = "off" }: FleetOptions,
    path: string,
    trust: SecureContext | undefined,
    wantBody: boolean | string,
    type: ProbeType,
  ): Promise<ProbeResult> {
    const { host, headers, timeoutMs, grpcService } = health;
    const { hostname, address, spec } = server;
    const { tls, http2 } = SERVER_PROTOCOLS[spec.scheme];
    const port = health.port ?? server.port;
    const isApart = port !== server.port;
    // What listens on a port of its own is asked as it always was, unless the question has one form only: nobody said that it
    // speaks anything else, or takes a header.
    const target = { hostname, address, port, serverName, tls, http2: http2 && (type !== "http" || !isApart) };
    const version = packageJson.version;
    const startedMs = this.#nowMs();
    this.#running = startProbe({
      target,
      type,
      ...(grpcService && { grpcService }),
      path,
      timeoutMs,
      trust,
      version,
      wantBody,
      proxyProtocol: told === "off" || isApart ? null : told,
      host,
      headers,
      accepts: this.#accepts,
    });
    const result = await this.#running.result;
    const late = this.#nowMs() - startedMs >= timeoutMs + NOT_RUNNING_MS;
    this.#skipped = result.kind === "skipped" || (late && result.kind === "error");
    if (this.#skipped) return result.kind === "skipped" ? result : { kind: "skipped", cause: "cpu" };
    this.#accepts = result.kind === "response";
    return result;
  }
}

const GOOD_STATUSES = [[200, 299]] as const;

/** What a probe says of the server's health. */
function resultOf(
  probed: ProbeResult,
  { statuses = GOOD_STATUSES, type = "http", path, ...health }: HealthOptions,
): CheckResult {
  if (probed.kind === "skipped") return probed;
  if (probed.kind === "error") return { kind: "failure", cause: probed.cause, reason: probed.reason };
  if (type !== "http") return { kind: "success" };
  const { status, body } = probed;
  if (!statuses.some(([from, to]) => status >= from && status <= to)) {
    return { kind: "failure", cause: "status", reason: `status ${status} at ${path}` };
  }
  if (typeof health.body !== "string" || body.includes(health.body)) return { kind: "success" };
  const reason = `status ${status}, but its body lacks the text that it should have`;
  return { kind: "failure", cause: "body", reason };
}
