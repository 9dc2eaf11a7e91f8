/**
 * Native partitions: tables of a span of time each, made before rows come, and dropped as a whole. Their bounds stand in their
 * names, `metrics_p1700000000_1700003600`, in seconds. All bounds are multiples of an hour, and longer spans of shorter ones: so
 * spans that were chosen by different settings still lie beside each other.
 */
import { lockInTransaction } from "./schema/locks.ts";
import type { Session } from "./wire/session.ts";

const HOUR_S = 3_600;
const DAY_S = 24 * HOUR_S;
/** Each a multiple of the one before it. */
const WIDTHS_S = [HOUR_S, 6 * HOUR_S, DAY_S, 30 * DAY_S];
/** So many partitions of a table are enough: planning looks at all of them. */
const ENOUGH = 200;

/** One of them: from `fromS` on, before `toS`. */
export interface Partition {
  readonly table: string;
  readonly name: string;
  readonly fromS: number;
  readonly toS: number;
}

/** How long a partition is of a table whose rows are kept for `keptMs`, seconds. */
export function partitionWidth(keptMs: number): number {
  return WIDTHS_S.find((width) => keptMs / 1_000 / width <= ENOUGH) ?? WIDTHS_S.at(-1)!;
}

/** What a session knows of partitions. */
export class Partitions {
  /** By table, how long new ones are, in seconds. */
  readonly #widths: Readonly<Record<string, number>>;
  #known: readonly Partition[] = [];

  constructor(widths: Readonly<Record<string, number>>) {
    this.#widths = widths;
  }

  /** All that were there at the last look, by table and time. */
  get all(): readonly Partition[] {
    return this.#known;
  }

  async load(session: Session): Promise<void> {
    const rows = await session.query<{ table: string; name: string }>(
      `SELECT parent.relname::text AS table, child.relname::text AS name
       FROM pg_inherits JOIN pg_class AS parent ON parent.oid = inhparent JOIN pg_class AS child ON child.oid = inhrelid
       WHERE inhparent = ANY(SELECT to_regclass(name)::oid FROM unnest($1::text[]) AS name)`,
      [Object.keys(this.#widths)],
    );
    const found = rows.flatMap(({ table, name }) => {
      const bounds = /_p(-?\d+)_(-?\d+)$/.exec(name);
      return bounds === null ? [] : [{ table, name, fromS: Number(bounds[1]), toS: Number(bounds[2]) }];
    });
    this.#known = found.sort((a, b) => a.fromS - b.fromS);
  }

  /** Sees to it that there is room for rows of these moments, in milliseconds. Not within a transaction. */
  async ensure(session: Session, table: string, timesMs: Iterable<number>): Promise<void> {
    const missing = new Set<number>();
    for (const atMs of timesMs) {
      const atS = Math.floor(atMs / 1_000);
      if (!this.#covers(table, atS)) missing.add(atS - modulo(atS, HOUR_S));
    }
    if (missing.size === 0) return;
    await session.transaction(async () => {
      await lockInTransaction(session, "partitions");
      await this.load(session);
      for (const atS of missing) {
        if (!this.#covers(table, atS)) await this.#make(session, table, atS);
      }
    });
  }

  /** Drops one, with all that is in it. A reader that has it is not waited for: then it is tried another time. */
  async drop(session: Session, { table, name }: Partition): Promise<void> {
    await session.transaction(async () => {
      await lockInTransaction(session, "partitions");
      await session.script("SET LOCAL lock_timeout = '1s'");
      await session.script(`DROP TABLE IF EXISTS "${name}"`);
    });
    this.#known = this.#known.filter((known) => known.table !== table || known.name !== name);
  }

  #covers(table: string, atS: number): boolean {
    return this.#known.some((known) => known.table === table && known.fromS <= atS && atS < known.toS);
  }

  async #make(session: Session, table: string, atS: number): Promise<void> {
    const own = this.#known.filter((known) => known.table === table);
    const usual = WIDTHS_S.filter((width) => width <= this.#widths[table]).reverse();
    for (const width of usual) {
      const fromS = atS - modulo(atS, width);
      const toS = fromS + width;
      if (own.some((known) => known.fromS < toS && fromS < known.toS)) continue;
      const name = `${table}_p${fromS}_${toS}`;
      const identifier = `"${name}"`;
      // Attached, because to be made as a partition it would lock out readers.
      await session.script(`
        CREATE TABLE IF NOT EXISTS ${identifier} (LIKE ${table});
        ALTER TABLE ${table} ATTACH PARTITION ${identifier} FOR VALUES FROM ('${toText(fromS)}') TO ('${toText(toS)}')`);
      this.#known = [...this.#known, { table, name, fromS, toS }].sort((a, b) => a.fromS - b.fromS);
      return;
    }
    throw new Error(`there is no room for a partition of ${table} at ${toText(atS)}`);
  }
}

function toText(atS: number): string {
  return new Date(atS * 1_000).toISOString();
}

function modulo(value: number, by: number): number {
  return ((value % by) + by) % by;
}
