/**
 * Whether the instance is ready, as both of its ports say it: `GET /health/ready`. The supervisor alone knows which servers
 * a check has seen, so it counts, and whoever is asked reads what it has counted last. Where the supervisor hangs, that
 * stands. Writer: supervisor. Readers: all.
 */
import { Header, type SharedMemory } from "./layout/shared-memory.ts";

/** Servers of a pool, or of all. */
export interface ServerCounts {
  /** Servers that are configured and resolved. */
  readonly total: number;
  /** Those that take requests and have passed a health check, or need not. */
  readonly healthy: number;
}

/** What `GET /health/ready` says, of the whole instance. */
export interface Readiness extends ServerCounts {
  readonly status: "ready" | "not_ready" | "draining";
  /** By name; not there with one pool. */
  readonly pools?: Readonly<Record<string, ServerCounts>>;
}

/** A pool, and where it is counted. */
export interface PlacedPool {
  readonly name: string;
  readonly row: number;
}

/** In one word, so that nobody reads half of a change; there are never so many servers. */
const TOTAL_UNIT = 0x1000;
/** Above them: the instance is ready. */
const READY_UNIT = TOTAL_UNIT * TOTAL_UNIT;

/** Writes down how many servers there are in the pool in row `pool`, and how many of them are healthy. */
export function publishPoolReadiness({ pools }: SharedMemory, pool: number, counts: ServerCounts): void {
  Atomics.store(pools.readiness, pool, pack(counts));
}

/** Writes down what all pools come to, and whether that is enough to be ready. */
export function publishReadiness({ header }: SharedMemory, counts: ServerCounts, ready: boolean): void {
  Atomics.store(header, Header.READINESS, pack(counts) + (ready ? READY_UNIT : 0));
}

/** Of the pool in row `pool`. */
function readPoolReadiness({ pools }: SharedMemory, pool: number): ServerCounts {
  return unpack(Atomics.load(pools.readiness, pool));
}

/** Not ready while the instance stops. @param pools those of the configuration. */
export function readReadiness(memory: SharedMemory, pools: readonly PlacedPool[]): Readiness {
  const { header } = memory;
  const word = Atomics.load(header, Header.READINESS);
  const draining = Atomics.load(header, Header.DRAINING) === 1;
  const status = draining ? "draining" : word >= READY_UNIT ? "ready" : "not_ready";
  const readiness: Readiness = { status, ...unpack(word % READY_UNIT) };
  if (pools.length <= 1) return readiness;
  return {
    ...readiness,
    pools: Object.fromEntries(pools.map(({ name, row }) => [name, readPoolReadiness(memory, row)])),
  };
}

/** The status code that says the same. */
export function readinessCode({ status }: Readiness): 200 | 503 {
  return status === "ready" ? 200 : 503;
}

function pack({ total, healthy }: ServerCounts): number {
  return total * TOTAL_UNIT + healthy;
}

function unpack(word: number): ServerCounts {
  return { total: Math.trunc(word / TOTAL_UNIT), healthy: word % TOTAL_UNIT };
}
