/** The way from the version that a database has to another, each step in one transaction, one process at a time. */
import { StoreError } from "../../store-error.ts";
import { describeLocation, type PostgresLocation } from "../location.ts";
import {
  TIMESCALE_CREATE,
  TIMESCALE_REACH,
  TIMESCALE_STATE,
  type TimescaleState,
  timescaleProblem,
} from "../timescale.ts";
import { Session } from "../wire/session.ts";
import type { Flavour } from "./flavour.ts";
import { lockInTransaction } from "./locks.ts";
import { type DatabaseSchema, readSchema, requireKnown } from "./state.ts";
import type { PostgresStep } from "./tables.ts";

/** A step may rewrite tables, and wait for other processes' steps before it. */
const STEP_LIMIT_MS = 600_000;

const VERSIONS = `
  CREATE TABLE IF NOT EXISTS neurabalancer_schema (
    version integer PRIMARY KEY,
    min_compatible integer NOT NULL,
    flavour text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
  )`;

/** Told before each step. */
export type Progress = (fromVersion: number, toVersion: number) => void;

/**
 * Brings tables up to `target`; of several processes that do this at once each step is taken by one. Tables that are further
 * already stay as they are, if these `steps`' programs can work with them. Returns what there is then.
 */
export async function migrateUp(
  session: Session,
  where: PostgresLocation,
  steps: readonly PostgresStep[],
  target: number,
  progress: Progress = () => {},
): Promise<DatabaseSchema> {
  const newest = steps.at(-1)!.version;
  await session.query(TIMESCALE_REACH);
  let schema = await readSchema(session, where);
  requireKnown(schema, newest, where);
  if (schema.version >= target) return schema;
  const flavour = schema.flavour ?? (await chooseFlavour(session, where));
  while (schema.version < target) {
    schema = await inStep(session, where, async (found) => {
      requireKnown(found, newest, where);
      const step = steps.find(({ version }) => version > found.version && version <= target);
      if (step === undefined) return found;
      progress(found.version, step.version);
      const own = found.flavour ?? flavour;
      await session.script(VERSIONS);
      await session.script(step.up(own));
      await session.query("INSERT INTO neurabalancer_schema (version, min_compatible, flavour) VALUES ($1, $2, $3)", [
        step.version,
        step.minCompatible,
        own,
      ]);
      return { version: step.version, minCompatible: step.minCompatible, flavour: own };
    });
  }
  return schema;
}

/** Brings tables down to `target`. What is lost, the caller has made sure of. */
export async function migrateDown(
  session: Session,
  where: PostgresLocation,
  steps: readonly PostgresStep[],
  target: number,
  progress: Progress = () => {},
): Promise<DatabaseSchema> {
  const first = steps[0].version;
  let schema = await readSchema(session, where);
  // Before the first step there is nothing.
  while (schema.version > target && schema.version > 0) {
    schema = await inStep(session, where, async (found) => {
      if (found.version <= target) return found;
      const step = steps.find(({ version }) => version === found.version);
      if (step === undefined) {
        throw new StoreError(
          "newer_schema",
          `${describeLocation(where)}: only a version of NeuraBalancer that knows schema ${found.version} can go back from it`,
        );
      }
      progress(found.version, step.version === first ? 0 : step.version - 1);
      await session.script(step.down(found.flavour!));
      await session.query("DELETE FROM neurabalancer_schema WHERE version = $1", [step.version]);
      if (step.version === first) await session.script("DROP TABLE neurabalancer_schema");
      return readSchema(session, where);
    });
  }
  return schema;
}

/** A step's transaction, while no other process takes one; `work` is told what there is then. */
async function inStep<T>(
  session: Session,
  where: PostgresLocation,
  work: (found: DatabaseSchema) => Promise<T>,
): Promise<T> {
  try {
    return await session.transaction(async () => {
      await session.allow(STEP_LIMIT_MS);
      await lockInTransaction(session, "schema");
      return work(await readSchema(session, where));
    });
  } finally {
    session.disallow();
  }
}

/** For a database without tables: TimescaleDB where it is, or can be put into it, and is fit for use. */
async function chooseFlavour(session: Session, where: PostgresLocation): Promise<Flavour> {
  let state = await timescaleState(session);
  if (state.installed === null && state.available !== null) {
    // Elsewhere: where the server was not started with its library, the attempt ends the connection.
    const attempt = await Session.open(where, "migrate");
    await attempt.script(TIMESCALE_CREATE).catch(() => {});
    await attempt.close();
    await session.query(TIMESCALE_REACH);
    state = await timescaleState(session);
  }
  return timescaleProblem(state) === null ? "timescale" : "plain";
}

/** What the database has of the extension. */
export async function timescaleState(session: Session): Promise<TimescaleState> {
  return (await session.query<TimescaleState>(TIMESCALE_STATE))[0];
}
