/** What happened in PostgreSQL, for the process that owns it under an instance's name. */
import type { HistoryBackend, HistoryChange, HistoryOptions, KnownServers, StoreWrite } from "../../backend.ts";
import type { HistoryRows } from "../../rows/row-kinds.ts";
import type { StoreError } from "../../store-error.ts";
import type { PostgresLocation } from "../location.ts";
import { OwnedSession } from "../owned-session.ts";
import { Partitions, partitionWidth } from "../partitions.ts";
import type { Flavour } from "../schema/flavour.ts";
import { describeKeeping } from "../schema/migrate.ts";
import type { DatabaseSchema } from "../schema/state.ts";
import type { PostgresStep } from "../schema/tables.ts";
import { SizeOf } from "../size-of.ts";
import type { Session } from "../wire/session.ts";
import { insertEvents } from "./event-table.ts";
import { insertGauges, seriesOfGauge } from "./gauge-table.ts";
import { insertMetrics, stagingOf } from "./metric-table.ts";
import { PostgresHistoryReads } from "./reads.ts";
import { insertRequests, seriesOfRequest } from "./request-table.ts";
import { keepWithin, keptMs, setPolicies } from "./retention.ts";
import { SeriesNumbers } from "./series-table.ts";
import { knowServers } from "./server-table.ts";

const TABLES = ["metrics", "requests", "server_gauges", "metrics_1m", "metrics_1h", "events", "servers", "series"];
/** How often it is looked whether anything has to go. */
const RETENTION_MS = 60_000;
/** Partitions are there so long before the first row comes. */
const AHEAD_MS = 15 * 60_000;

/** See the top of this file. */
export class PostgresHistory extends PostgresHistoryReads implements HistoryBackend {
  readonly durable = true;
  protected override readonly instance: string;
  readonly #options: HistoryOptions;
  readonly #owned: OwnedSession;
  readonly #series: SeriesNumbers;
  readonly #partitions: Partitions;
  readonly #size: SizeOf;
  #flavour: Flavour = "plain";
  #keptAtMs = Number.NEGATIVE_INFINITY;
  #hasTold = false;

  constructor(where: PostgresLocation, options: HistoryOptions, steps?: readonly PostgresStep[]) {
    super();
    const { instance, limits, nowMs } = options;
    this.#options = options;
    this.instance = instance;
    this.#series = new SeriesNumbers(instance);
    const widths = Object.entries(keptMs(limits)).map(([table, kept]) => [table, partitionWidth(kept)]);
    this.#partitions = new Partitions(Object.fromEntries(widths));
    this.#size = new SizeOf(TABLES, nowMs);
    const prepare = (session: Session, schema: DatabaseSchema) => this.#prepare(session, schema);
    this.#owned = new OwnedSession(where, { part: "history", instance, steps, prepare });
  }

  get bytes(): number {
    return this.#size.bytes;
  }

  async open(): Promise<void> {
    await this.#owned.get();
  }

  async write({ batchId, rows, change }: StoreWrite<HistoryRows, HistoryChange>): Promise<KnownServers | null> {
    const { instance } = this.#options;
    const insert = async (session: Session, isWritten: boolean): Promise<KnownServers | null> => {
      if (!isWritten) {
        if (rows.metrics.length > 0) await insertMetrics(session, rows.metrics, this.#series, this.#flavour);
        if (rows.requests.length > 0) await insertRequests(session, rows.requests, this.#series);
        if (rows.gauges.length > 0) await insertGauges(session, rows.gauges, this.#series);
        if (rows.events.length > 0) await insertEvents(session, rows.events, instance);
      }
      return change === null ? null : knowServers(session, instance, change);
    };
    const result = await this.#owned.write(batchId, insert, (session) => this.#makeRoom(session, rows));
    await this.#keepWithin();
    return result;
  }

  async mend(failure: StoreError): Promise<void> {
    if (failure.kind !== "locked") await this.#owned.close();
  }

  close(): Promise<void> {
    return this.#owned.close();
  }

  protected override async use<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return work(await this.#owned.get());
  }

  async #prepare(session: Session, { flavour }: DatabaseSchema): Promise<void> {
    this.#flavour = flavour!;
    this.#series.forget();
    await session.script(stagingOf(this.#flavour));
    if (this.#flavour === "plain") await this.#partitions.load(session);
    else await setPolicies(session, this.#options.limits);
    await this.#size.update(session, this.#flavour);
    if (!this.#hasTold) this.#options.opened?.(await describeKeeping(session, this.#flavour));
    this.#hasTold = true;
  }

  /** Numbers of series and partitions that the rows need, before their transaction: it may be taken back. */
  async #makeRoom(session: Session, rows: HistoryRows): Promise<void> {
    await this.#series.learn(session, [
      ...rows.metrics,
      ...rows.requests.map(seriesOfRequest),
      ...rows.gauges.map(seriesOfGauge),
    ]);
    if (this.#flavour !== "plain") return;
    const tables = { metrics: rows.metrics, requests: rows.requests, server_gauges: rows.gauges };
    for (const [table, of] of Object.entries(tables)) {
      await this.#partitions.ensure(
        session,
        table,
        of.map(({ atMs }) => atMs),
      );
    }
    for (const table of ["metrics_1m", "metrics_1h"]) {
      await this.#partitions.ensure(
        session,
        table,
        rows.metrics.map(({ atMs }) => atMs),
      );
    }
  }

  async #keepWithin(): Promise<void> {
    const { limits, nowMs } = this.#options;
    const now = nowMs();
    if (Math.abs(now - this.#keptAtMs) < RETENTION_MS) return;
    const session = await this.#owned.get();
    const bytes = async () => {
      await this.#size.update(session, this.#flavour);
      return this.#size.bytes;
    };
    const rest = { limits, flavour: this.#flavour, partitions: this.#partitions, nowMs: now };
    await keepWithin(session, { ...rest, bytes });
    if (this.#flavour === "plain") {
      for (const table of Object.keys(keptMs(limits))) {
        await this.#partitions.ensure(session, table, [now, now + AHEAD_MS]);
      }
    }
    await bytes();
    this.#keptAtMs = now;
  }
}
