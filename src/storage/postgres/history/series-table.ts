/** Whose rows these are, in PostgreSQL: names stand in `series` once, and rows refer to them by number. */
import type { HistoryQuery } from "../../history-store.ts";
import type { Parameter, Session } from "../wire/session.ts";

/** Names that a row has in common with many others. */
export interface Series {
  readonly pool: string;
  readonly route: string;
  readonly server: string;
  readonly address: string;
  /** 0 for what is not about requests. */
  readonly statusClass: number;
}

const HOUR_MS = 3_600_000;
/** Series that are remembered; more than an instance has at a time. */
const REMEMBERED = 50_000;

/** Numbers of an instance's series, as one session of their owner knows them. */
export class SeriesNumbers {
  readonly #instance: string;
  readonly #known = new Map<string, { readonly id: number; readonly hourMs: number }>();

  constructor(instance: string) {
    this.#instance = instance;
  }

  /**
   * Makes those that are not there yet and notes in which hour each was seen last. Not within a transaction that may be taken
   * back: what is remembered here must stay.
   */
  async learn(session: Session, rows: Iterable<Series & { readonly atMs: number }>): Promise<void> {
    const wanted = new Map<string, Series & { hourMs: number }>();
    for (const row of rows) {
      const key = keyOf(row);
      const hourMs = row.atMs - (row.atMs % HOUR_MS);
      if ((this.#known.get(key)?.hourMs ?? -1) >= hourMs) continue;
      const before = wanted.get(key);
      if (before === undefined) wanted.set(key, { ...row, hourMs });
      else before.hourMs = Math.max(before.hourMs, hourMs);
    }
    if (wanted.size === 0) return;
    if (this.#known.size + wanted.size > REMEMBERED) this.#known.clear();
    const all = [...wanted.values()];
    const found = await session.query<Series & { id: number; seen: Date }>(
      `INSERT INTO series (instance, pool, route, server, address, status_class, last_seen)
         SELECT $1, pool, route, server, address, class, seen
         FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::smallint[], $7::timestamptz[])
           AS given(pool, route, server, address, class, seen)
       ON CONFLICT (instance, pool, route, server, address, status_class)
         DO UPDATE SET last_seen = greatest(series.last_seen, excluded.last_seen)
       RETURNING id, pool, route, server, address, status_class AS "statusClass", last_seen AS seen`,
      [
        this.#instance,
        all.map(({ pool }) => pool),
        all.map(({ route }) => route),
        all.map(({ server }) => server),
        all.map(({ address }) => address),
        all.map(({ statusClass }) => statusClass),
        all.map(({ hourMs }) => new Date(hourMs).toISOString()),
      ],
    );
    for (const { id, seen, ...series } of found) this.#known.set(keyOf(series), { id, hourMs: seen.getTime() });
  }

  /** The number of a series that was learned. */
  idOf(series: Series): number {
    const known = this.#known.get(keyOf(series));
    if (known === undefined) throw new Error(`no number for ${keyOf(series)}`);
    return known.id;
  }

  /** Forgets everything: some may have been deleted. */
  forget(): void {
    this.#known.clear();
  }
}

function keyOf({ pool, route, server, address, statusClass }: Series): string {
  return [pool, route, server, address, statusClass].join("\n");
}

/** What a question asks for, as a condition on `s`, the series, and its parameters. */
export function seriesCondition(query: Partial<HistoryQuery>, first: number): { sql: string; values: Parameter[] } {
  const names = (["instance", "pool", "route", "server"] as const).filter((name) => query[name] !== undefined);
  return {
    sql: names.map((name, i) => ` AND s.${name} = $${first + i}`).join(""),
    values: names.map((name) => query[name]!),
  };
}
