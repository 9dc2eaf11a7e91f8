/**
 * Whether the instance is ready, as both of its ports say it: `GET /health/ready`. The supervisor alone knows which servers
 * a check has seen, so it counts, and whoever is asked reads what it has counted last. Where the supervisor hangs, that
 * stands. Writer: supervisor. Readers: all.
 */
import { Header, type SharedMemory } from "./layout.ts";

/** The body of `GET /health/ready`. */
export interface Readiness {
  readonly status: "ready" | "not_ready" | "draining";
  /** Servers that are configured and resolved. */
  readonly total: number;
  /** Those that take requests and have passed a health check, or need not. */
  readonly healthy: number;
}

/** In one word, so that nobody reads half of a change; there are never so many servers. */
const TOTAL_UNIT = 0x1_0000;

/** Writes down how many servers there are, and how many of them are healthy. */
export function publishReadiness({ header }: SharedMemory, { total, healthy }: Omit<Readiness, "status">): void {
  Atomics.store(header, Header.READINESS, total * TOTAL_UNIT + healthy);
}

/** Ready: with a healthy server, and not while the instance stops. */
export function readReadiness({ header }: SharedMemory): Readiness {
  const counts = Atomics.load(header, Header.READINESS);
  const total = Math.trunc(counts / TOTAL_UNIT);
  const healthy = counts % TOTAL_UNIT;
  const draining = Atomics.load(header, Header.DRAINING) === 1;
  return { status: draining ? "draining" : healthy > 0 ? "ready" : "not_ready", total, healthy };
}

/** The status code that says the same. */
export function readinessCode({ status }: Readiness): 200 | 503 {
  return status === "ready" ? 200 : 503;
}
