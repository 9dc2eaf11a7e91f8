/** What some tables take, with their indexes, looked at now and then. */
import type { Flavour } from "./schema/flavour.ts";
import { TIMESCALE_BYTES } from "./timescale.ts";
import type { Session } from "./wire/session.ts";

const INTERVAL_MS = 30_000;

/** See the top of this file. Partitions count as their table. */
export class SizeOf {
  readonly #tables: readonly string[];
  readonly #nowMs: () => number;
  #bytes = 0;
  #lookedAtMs = Number.NEGATIVE_INFINITY;

  constructor(tables: readonly string[], nowMs: () => number) {
    this.#tables = tables;
    this.#nowMs = nowMs;
  }

  /** At the last look; 0 before the first. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A look, if the last was a while ago. */
  async updateIfOld(session: Session): Promise<void> {
    if (Math.abs(this.#nowMs() - this.#lookedAtMs) >= INTERVAL_MS) await this.update(session);
  }

  async update(session: Session, flavour: Flavour = "plain"): Promise<void> {
    let bytes = await this.#ask(session);
    if (flavour === "timescale") bytes += (await session.query<{ bytes: number }>(TIMESCALE_BYTES))[0].bytes;
    this.#bytes = bytes;
    this.#lookedAtMs = this.#nowMs();
  }

  async #ask(session: Session): Promise<number> {
    const [{ bytes }] = await session.query<{ bytes: number }>(
      `SELECT (coalesce(sum(pg_total_relation_size(given.oid)), 0) + coalesce((SELECT sum(pg_total_relation_size(inhrelid))
           FROM pg_inherits WHERE inhparent = ANY(array_agg(given.oid))), 0))::float8 AS bytes
       FROM (SELECT to_regclass(name)::oid AS oid FROM unnest($1::text[]) AS name) AS given`,
      [[...this.#tables]],
    );
    return bytes;
  }
}
