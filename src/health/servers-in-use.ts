/**
 * Which servers of a pool take requests, and which are kept for when those fail: backups, and servers of other zones. Panic is
 * judged over those in use.
 *
 * - Backups are in use while no other server of the pool is up; whichever zone they are in.
 * - Where the instance's own zone is preferred, servers of other zones are in use while fewer than half of those of its own are
 *   up; or fewer than the panic threshold, if that is more, because who is well elsewhere comes before who is ill here. Servers
 *   without a zone belong to every zone.
 */
import { isWithdrawn, ServerState } from "../shared/memory/layout/shared-memory.ts";
import { PanicMode } from "./panic-mode.ts";

/** What a server is kept for. */
export type StandbyFor = "primaries" | "zone";

/** A server as it is chosen from. */
export interface UsedServer {
  /** What checks, requests and operators make of it. */
  readonly state: ServerState;
  readonly backup: boolean;
  /** `null` = not said: every zone. */
  readonly zone: string | null;
  /** Set here. `null` = it is in use. */
  standby: StandbyFor | null;
}

/** What is preferred. */
export interface UseOptions {
  readonly preferZone: boolean;
  /** The instance's own; `null` = it has none. */
  readonly zone: string | null;
  readonly panicThresholdPercent: number;
}

/** The servers in use. */
export interface InUse {
  /** Those that neither drain nor are in maintenance. */
  readonly total: number;
  readonly up: number;
}

/** Least share of the servers of the own zone that must be up for the others to stand by, percent. */
const ZONE_PERCENT = 50;

/** One pool's. */
export class ServersInUse {
  /** Too few of the own zone are up. As in panic, it has to hold for a while before that is over. */
  readonly #zoneFails = new PanicMode();

  /** Decides of each of `servers` whether it stands by. */
  choose(servers: readonly UsedServer[], options: UseOptions, nowMs: number): InUse {
    if (!options.preferZone && !servers.some(({ backup }) => backup)) return allInUse(servers);
    const wanted = servers.filter(({ state }) => !isWithdrawn(state));
    const primaries = wanted.filter(({ backup }) => !backup);
    const foreign = this.#foreign(primaries, options, nowMs);
    const backupsStandBy = primaries.some(isUp);
    for (const server of servers) {
      server.standby = server.backup ? (backupsStandBy ? "primaries" : null) : foreign.has(server) ? "zone" : null;
    }
    const inUse = wanted.filter((server) => server.standby === null);
    if (backupsStandBy) return counted(inUse);
    const backups = inUse.filter(({ backup }) => backup);
    return counted(backups.some(isUp) ? backups : inUse);
  }

  /** Those of `primaries` that stand by for the own zone. */
  #foreign(
    primaries: readonly UsedServer[],
    { preferZone, zone, panicThresholdPercent }: UseOptions,
    nowMs: number,
  ): ReadonlySet<UsedServer> {
    const own = preferZone && zone !== null ? primaries.filter((one) => one.zone === null || one.zone === zone) : [];
    const { total, up } = counted(own);
    const fails = this.#zoneFails.update(up, total, Math.max(ZONE_PERCENT, panicThresholdPercent), nowMs);
    if (fails || total === 0) return new Set();
    const mine = new Set(own);
    return new Set(primaries.filter((one) => !mine.has(one)));
  }
}

/** The usual case, at each turn: nobody is kept for anything. */
function allInUse(servers: readonly UsedServer[]): InUse {
  let total = 0;
  let up = 0;
  for (const server of servers) {
    server.standby = null;
    const { state } = server;
    if (!isWithdrawn(state)) total++;
    if (state === ServerState.UP) up++;
  }
  return { total, up };
}

function isUp({ state }: UsedServer): boolean {
  return state === ServerState.UP;
}

function counted(servers: readonly UsedServer[]): InUse {
  return { total: servers.length, up: servers.filter(isUp).length };
}
