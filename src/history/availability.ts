/** What servers were like: how much of the time each was in which state, and what the store knows of it. */

import { isoMoment } from "../shared/moments.ts";
import type { EventRow, GaugeRow, HistoryReader, ServerRow } from "../storage/history-store.ts";
import type { ServersQuestion } from "./questions.ts";
import { rounded } from "./rounded.ts";
import { type Scope, scopeOf } from "./traffic/traffic.ts";

/** One server at one address. */
export interface ServerTime {
  readonly pool: string;
  readonly server: string;
  /** `null` = it says nothing more than the name. */
  readonly address: string | null;
  /** The last one known of that time. */
  readonly state: string;
  readonly state_at: string;
  /** Share of the known time, 0 … 1, by state. */
  readonly shares: Readonly<Record<string, number>>;
  /** How long something was known, seconds. */
  readonly known_seconds: number;
  /** Changes of its state. */
  readonly changes: number;
  readonly ejections: number;
  readonly weight: number;
  /** Mean over the time. */
  readonly in_flight: number;
  readonly cpu_percent: number | null;
  readonly memory_percent: number | null;
  /** What was set in the store (`servers`), for all instances. */
  readonly weight_override: number | null;
  readonly capacity_override: number | null;
  readonly first_seen: string | null;
  /** Since when it is not configured any more. */
  readonly removed_at: string | null;
}

/** The answer. */
export interface ServersAnswer extends Scope {
  readonly subject: "servers";
  readonly servers: readonly ServerTime[];
  readonly notes: readonly string[];
}

/** They are noted every ten seconds: what lies further apart says nothing of the time between. */
const KNOWN_FOR_MS = 30_000;

/** Most changes of state that are read, the newest of all servers. */
const MOST_EVENTS = 10_000;

/** Answers. What is noted every ten seconds says how it was; events say in between when it changed. */
export async function askServers(reader: HistoryReader, question: ServersQuestion): Promise<ServersAnswer> {
  const { sinceMs, untilMs, instance, pool, server } = question;
  const asked = { sinceMs, untilMs, instance, pool, server };
  const changes = new Map<string, StateChange[]>();
  const events = await reader.events({ ...asked, kinds: ["health", "ejection"], limit: MOST_EVENTS });
  for (const event of [...events].reverse()) {
    const change = changeOf(event);
    if (change === null) continue;
    const known = changes.get(keyOf(event));
    if (known !== undefined) known.push(change);
    else changes.set(keyOf(event), [change]);
  }
  const times = new Map<string, StateTime>();
  for await (const page of reader.gauges(asked)) {
    for (const row of page) {
      const known = times.get(keyOf(row));
      if (known !== undefined) known.add(row);
      else times.set(keyOf(row), new StateTime(row, changes.get(keyOf(row)) ?? []));
    }
  }
  const instances = [...new Set(events.map((event) => event.instance))].sort();
  const rows = new Map((await reader.servers()).map((row) => [nameOf(row.pool, `${row.host}:${row.port}`), row]));
  const servers = [...times.values()].map((time) => time.shown(rows.get(nameOf(time.last.pool, time.last.server))));
  return {
    subject: "servers",
    ...scopeOf(question),
    servers: servers.sort((a, b) => compare(nameOf(a.pool, a.server), nameOf(b.pool, b.server))),
    notes: [
      ...(servers.length > 0 ? [] : ["nothing was noted of such servers in that time"]),
      ...(instances.length < 2 ? [] : [`states are of ${instances.join(", ")} together: instance asks for one`]),
    ],
  };
}

/** A server's state from a moment on. */
interface StateChange {
  readonly atMs: number;
  readonly state: string;
}

const STATES = ["up", "down", "draining", "ejected", "standby", "maintenance"];

/** `null` = the event does not say. */
function changeOf({ atMs, detail }: EventRow): StateChange | null {
  const to = (detail as { readonly to?: unknown } | null)?.to;
  return typeof to === "string" && STATES.includes(to) ? { atMs, state: to } : null;
}

function keyOf({ pool, server, address }: Pick<GaugeRow, "pool" | "server" | "address">): string {
  return JSON.stringify([pool, server, address]);
}

class StateTime {
  last: GaugeRow;
  /** As they come in time: what is noted and what events tell. */
  #now: StateChange;
  /** Those that have not come yet; the oldest first. */
  readonly #ahead: StateChange[];
  readonly #ejections: number;
  #rows = 1;
  #changes = 0;
  #inFlight: number;
  readonly #cpu = new Mean();
  readonly #memory = new Mean();
  readonly #msByState = new Map<string, number>();

  /** @param changes all that events tell of this server, the oldest first. */
  constructor(row: GaugeRow, changes: readonly StateChange[]) {
    this.last = row;
    this.#now = row;
    this.#ahead = changes.filter(({ atMs }) => atMs > row.atMs);
    this.#ejections = changes.filter(({ state }) => state === "ejected").length;
    this.#inFlight = row.inFlight;
    this.#note(row);
  }

  add(row: GaugeRow): void {
    while (this.#ahead.length > 0 && this.#ahead[0].atMs <= row.atMs) this.#pass(this.#ahead.shift() as StateChange);
    this.#pass(row);
    this.#rows++;
    this.#inFlight += row.inFlight;
    this.#note(row);
    this.last = row;
  }

  #pass(next: StateChange): void {
    const { state, atMs } = this.#now;
    const ms = Math.max(0, next.atMs - atMs);
    if (ms <= KNOWN_FOR_MS) this.#msByState.set(state, (this.#msByState.get(state) ?? 0) + ms);
    if (next.state !== state) this.#changes++;
    this.#now = next;
  }

  shown(row: ServerRow | undefined): ServerTime {
    for (const change of this.#ahead) this.#pass(change);
    const { pool, server, address, weight } = this.last;
    const { state, atMs } = this.#now;
    const knownMs = [...this.#msByState.values()].reduce((sum, ms) => sum + ms, 0);
    const shares = [...this.#msByState].map(([name, ms]) => [name, knownMs === 0 ? 0 : rounded(ms / knownMs, 6)]);
    return {
      pool,
      server,
      address: address === "" ? null : address,
      state,
      state_at: isoMoment(atMs),
      shares: knownMs === 0 ? { [state]: 1 } : Object.fromEntries(shares),
      known_seconds: Math.round(knownMs / 1000),
      changes: this.#changes,
      ejections: this.#ejections,
      weight,
      in_flight: rounded(this.#inFlight / this.#rows, 3),
      cpu_percent: this.#cpu.value(),
      memory_percent: this.#memory.value(),
      weight_override: row?.weight ?? null,
      capacity_override: row?.capacity ?? null,
      first_seen: row === undefined ? null : isoMoment(row.firstSeenMs),
      removed_at: row === undefined || row.removedAtMs === null ? null : isoMoment(row.removedAtMs),
    };
  }

  #note({ cpuPercent, memoryPercent }: GaugeRow): void {
    this.#cpu.add(cpuPercent);
    this.#memory.add(memoryPercent);
  }
}

/** Of what was known. */
class Mean {
  #sum = 0;
  #count = 0;

  add(value: number): void {
    if (Number.isNaN(value)) return;
    this.#sum += value;
    this.#count++;
  }

  value(): number | null {
    return this.#count === 0 ? null : rounded(this.#sum / this.#count, 1);
  }
}

function nameOf(pool: string, server: string): string {
  return `${pool}\n${server}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
