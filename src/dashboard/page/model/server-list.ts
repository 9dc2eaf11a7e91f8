/** The servers as lists show them: names and numbers put together, filtered and sorted. */
import type { LiveFrame, LiveServer } from "../../../shared/live/frame.ts";
import type { KnownServer, LiveTopology } from "../../../shared/live/topology.ts";

/** One server with all that is known of it. */
export interface ServerRow extends KnownServer, LiveServer {}

/** What lists may be sorted by. */
export const SORT_KEYS = [
  "name",
  "pool",
  "state",
  "share",
  "rps",
  "in_flight",
  "p50",
  "p99",
  "cpu",
  "errors",
  "weight",
] as const;
/** One of them. */
export type SortKey = (typeof SORT_KEYS)[number];

/** How a list is sorted. */
export interface Sorting {
  readonly key: SortKey;
  readonly descending: boolean;
}

/** Servers that both know, in the order of the topology. */
export function serverRows(topology: LiveTopology | null, frame: LiveFrame | null): ServerRow[] {
  if (topology === null || frame === null) return [];
  const numbers = new Map(frame.servers.map((server) => [server.id, server]));
  return topology.servers.flatMap((known) => {
    const live = numbers.get(known.id);
    return live === undefined ? [] : [{ ...known, ...live }];
  });
}

/** Those with every word of `words` in name, pool, state, zone or reason. */
export function filterServers(rows: readonly ServerRow[], words: string): readonly ServerRow[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  if (wanted.length === 0) return rows;
  return rows.filter((row) => {
    const text = `${row.name} ${row.pool} ${row.state} ${row.zone ?? ""} ${row.reason} ${row.address}`.toLowerCase();
    return wanted.every((word) => text.includes(word));
  });
}

/** A new list; what is unknown comes last either way, and equal ones keep their order. */
export function sortServers(rows: readonly ServerRow[], { key, descending }: Sorting): ServerRow[] {
  const sign = descending ? -1 : 1;
  return [...rows].sort((a, b) => compare(sortable(a, key), sortable(b, key), sign));
}

/** Worst first, as an operator looks for them. */
const STATE_ORDER = ["down", "ejected", "maintenance", "draining", "starting", "standby", "up"];

function sortable(row: ServerRow, key: SortKey): string | number | null {
  return key === "state" ? STATE_ORDER.indexOf(row.state) : row[key];
}

function compare(a: string | number | null, b: string | number | null, sign: number): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  if (typeof a === "string") return sign * natural(a, String(b));
  return sign * (a - (b as number));
}

/** `web-2` before `web-10`. */
function natural(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => text.split(/(\d+)/));
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const difference =
      i % 2 === 1 ? Number(left[i]) - Number(right[i]) : left[i] < right[i] ? -1 : Number(left[i] > right[i]);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/** Which rows of many are drawn. @param scrollPx of the list's own box. */
export function windowOf(
  total: number,
  rowPx: number,
  scrollPx: number,
  heightPx: number,
): { from: number; to: number } {
  const spare = 8;
  const from = Math.max(0, Math.floor(scrollPx / rowPx) - spare);
  const to = Math.min(total, Math.ceil((scrollPx + heightPx) / rowPx) + spare);
  return { from: Math.min(from, to), to };
}

/** What is in flight at a server, beside the limit that is reached first: what was learned, or what is enforced. */
export function loadOf({ in_flight: inFlight, concurrency_limit: learned, hard_limit: hard }: ServerRow): Load {
  const isLearned = learned !== null && (hard === 0 || learned < hard);
  const limit = isLearned ? learned : hard;
  if (limit === 0) return { text: String(inFlight), isFull: false, meaning: undefined };
  const meaning = isLearned ? `learned limit: works on ${learned} at once` : `hard limit: ${hard} at most`;
  return { text: `${inFlight} / ${limit}`, isFull: !isLearned && inFlight >= hard, meaning };
}

/** How it is shown. */
export interface Load {
  readonly text: string;
  /** It takes no more. At a learned limit it is only busy. */
  readonly isFull: boolean;
  /** What the limit is, for people. */
  readonly meaning: string | undefined;
}
