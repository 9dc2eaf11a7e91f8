/** The demo's three servers of unequal speed: started, watched, and restarted some seconds after somebody killed them. */
import { request } from "node:http";
import type { DemoState, DemoTrouble } from "../shared/live/demo.ts";
import { Child } from "./child.ts";
import { findPort } from "./ports.ts";

/** One server of the demo. */
export interface BackendSpec {
  readonly name: string;
  readonly latencyMs: number;
  /** Requests that it works on at once: what makes load matter. */
  readonly concurrency: number;
}

/** Together they can take some 600 requests per second, of which the slow one less than a seventh. */
export const BACKENDS: readonly BackendSpec[] = [
  { name: "fast", latencyMs: 5, concurrency: 2 },
  { name: "medium", latencyMs: 15, concurrency: 2 },
  { name: "slow", latencyMs: 60, concurrency: 5 },
];

/** So that one sees a killed server leave before it returns. */
export const RESTART_AFTER_MS = 8000;
/** So much longer a request takes at a server that was made slow. */
const SLOWED = 12;
const STARTED_WITHIN_MS = 20_000;
const FIRST_PORT = 8001;

/** What happens to the demo's servers. */
export interface BackendEvents {
  /** A server ended without being asked to; `ending` says how. */
  readonly onDeath: (name: string, pid: number, ending: string) => void;
  /** It runs again. */
  readonly onRestart: (name: string, pid: number) => void;
  readonly onRestartFailed: (name: string, problem: string) => void;
}

/** What was done to a server on purpose. */
export type Condition = DemoState["servers"][number]["condition"];

interface Member {
  readonly spec: BackendSpec;
  readonly port: number;
  child: Child;
  restart: ReturnType<typeof setTimeout> | undefined;
  condition: Exclude<Condition, "dead">;
}

export class Backends {
  readonly #members: Member[] = [];
  readonly #events: BackendEvents;
  readonly #cwd: string;
  #stopping = false;

  constructor(events: BackendEvents, cwd: string) {
    this.#events = events;
    this.#cwd = cwd;
  }

  /**
   * Starts all and resolves when each responses. Rejects with a sentence that holds the output of the one that did not.
   * @param fixedPorts true: 8001 and up where these are free; false: any free ports.
   */
  async start(fixedPorts: boolean, taken: Set<number>, random: () => number): Promise<void> {
    for (const [index, spec] of BACKENDS.entries()) {
      const wished = fixedPorts ? Array.from({ length: 20 }, (_, i) => FIRST_PORT + index + i) : [];
      const port = findPort(wished, taken, random);
      taken.add(port);
      this.#members.push({ spec, port, child: this.#spawn(spec, port), restart: undefined, condition: "well" });
    }
    await Promise.all(this.#members.map((member) => untilHealthy(member)));
    for (const member of this.#members) this.#watch(member);
  }

  /** Each server's place; `pid` is null while it is dead. */
  list(): readonly { readonly name: string; readonly url: string; readonly pid: number | null }[] {
    return this.#members.map((member) => ({
      name: member.spec.name,
      url: urlOf(member),
      pid: member.child.running ? member.child.pid : null,
    }));
  }

  /** As `list`, with what was done to each. */
  conditions(): DemoState["servers"] {
    return this.#members.map((member) => ({
      name: member.spec.name,
      url: urlOf(member),
      condition: member.child.running ? member.condition : "dead",
    }));
  }

  /** Does something to a server; of what cannot be done nothing comes. Rejects when the server does not take it. @returns false when there is none of that name. */
  async trouble(name: string, what: DemoTrouble): Promise<boolean> {
    const member = this.#members.find(({ spec }) => spec.name === name);
    if (member === undefined) return false;
    const { child, spec } = member;
    if (!child.running) {
      if (what === "heal" && member.restart !== undefined) {
        clearTimeout(member.restart);
        await this.#restart(member);
      }
      return true;
    }
    if (what === "kill") {
      child.signal("SIGKILL");
      await child.exited;
      return true;
    }
    if (what === "freeze") {
      child.signal("SIGSTOP");
      member.condition = "frozen";
      return true;
    }
    child.signal("SIGCONT");
    const slow = what === "slow";
    await turnKnobs(member, { latency_ms: slow ? spec.latencyMs * SLOWED : spec.latencyMs });
    member.condition = slow ? "slow" : "well";
    return true;
  }

  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    for (const member of this.#members) clearTimeout(member.restart);
    await Promise.all(this.#members.map((member) => member.child.stop(graceMs)));
  }

  #spawn(spec: BackendSpec, port: number): Child {
    const args = ["backend", "--port", port, "--instance-id", spec.name];
    const knobs = ["--latency-ms", spec.latencyMs, "--latency-jitter", 0.3, "--concurrency", spec.concurrency];
    return new Child({ args: [...args, ...knobs].map(String), cwd: this.#cwd });
  }

  #watch(member: Member): void {
    const { child, spec } = member;
    void child.exited.then(() => {
      if (this.#stopping) return;
      this.#events.onDeath(spec.name, child.pid, child.ending);
      member.restart = setTimeout(() => void this.#restart(member), RESTART_AFTER_MS);
    });
  }

  async #restart(member: Member): Promise<void> {
    member.restart = undefined;
    member.condition = "well";
    member.child = this.#spawn(member.spec, member.port);
    try {
      await untilHealthy(member);
      this.#events.onRestart(member.spec.name, member.child.pid);
    } catch (error) {
      if (this.#stopping) return;
      this.#events.onRestartFailed(member.spec.name, (error as Error).message);
    }
    this.#watch(member);
  }
}

function urlOf(member: Member): string {
  return `http://127.0.0.1:${member.port}`;
}

/** Not by `fetch`: the demo's clients may have all the connections that it opens at one time. */
function turnKnobs(member: Member, knobs: object): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const options = { method: "POST", agent: false, timeout: 2000 } as const;
  const sent = request(`${urlOf(member)}/_admin/knobs`, options, (response) => {
    response.resume();
    if (response.statusCode === 200) resolve();
    else reject(new Error(`server "${member.spec.name}" answers ${response.statusCode} to its knobs`));
  });
  sent.on("timeout", () => sent.destroy(new Error(`server "${member.spec.name}" does not answer`)));
  sent.on("error", reject);
  sent.end(JSON.stringify(knobs));
  return promise;
}

async function untilHealthy(member: Member): Promise<void> {
  const { child, spec } = member;
  await untilResponds(child, `server "${spec.name}"`, STARTED_WITHIN_MS, async () => {
    const response = await fetch(`${urlOf(member)}/health`, { signal: AbortSignal.timeout(1000) });
    return response.ok;
  });
}

/**
 * Resolves when `check` is true. Rejects when the child ended, or when `withinMs` have passed; the message holds the
 * child's output. A `check` that throws is not there yet.
 */
export async function untilResponds(
  child: Child,
  what: string,
  withinMs: number,
  check: () => Promise<boolean>,
): Promise<void> {
  for (let waitedMs = 0; waitedMs < withinMs; waitedMs += 50) {
    if (!child.running) throw new Error(`${what} ended at once (${child.ending}).\n${child.output}`);
    if (await check().catch(() => false)) return;
    await Bun.sleep(50);
  }
  throw new Error(`${what} does not answer after ${withinMs / 1000} s.\n${child.output}`);
}
