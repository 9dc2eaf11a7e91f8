/** What is learned in PostgreSQL, for the process that owns it under an instance's name. */
import type { LearningBackend, LearningChange, LearningOptions, StoreWrite } from "../../backend.ts";
import type { LearningRows } from "../../rows/row-kinds.ts";
import type { StoreError } from "../../store-error.ts";
import type { PostgresLocation } from "../location.ts";
import { OwnedSession } from "../owned-session.ts";
import { lockInTransaction } from "../schema/locks.ts";
import type { PostgresStep } from "../schema/tables.ts";
import { SizeOf } from "../size-of.ts";
import type { Session } from "../wire/session.ts";
import { ModelTable } from "./model-table.ts";
import { setNote } from "./note-table.ts";
import { PostgresLearningReads } from "./reads.ts";
import { insertSamples, trimSamples } from "./sample-table.ts";
import { insertVerdicts, trimVerdicts } from "./verdict-table.ts";

/** See the top of this file. */
export class PostgresLearning extends PostgresLearningReads implements LearningBackend {
  readonly durable = true;
  readonly #owned: OwnedSession;
  readonly #options: LearningOptions;
  readonly #size: SizeOf;

  constructor(where: PostgresLocation, options: LearningOptions, steps?: readonly PostgresStep[]) {
    super(where.instance, options.features);
    this.#options = options;
    this.#size = new SizeOf(["samples", "models", "verdicts", "notes"], options.nowMs);
    this.#owned = new OwnedSession(where, {
      part: "learning",
      instance: where.instance,
      steps,
      prepare: (session) => this.#size.update(session),
    });
  }

  get bytes(): number {
    return this.#size.bytes;
  }

  async open(): Promise<void> {
    await this.#owned.get();
  }

  async write({ batchId, rows, change }: StoreWrite<LearningRows, LearningChange>): Promise<number | null> {
    const { limits } = this.#options;
    const result = await this.#owned.write(batchId, async (session, isWritten) => {
      if (!isWritten && rows.samples.length > 0) {
        // One writer of samples at a time: their ids ascend, and no two count or delete the same ones.
        await lockInTransaction(session, "samples");
        await insertSamples(session, rows.samples, this.instance, this.features);
        await trimSamples(session, limits, this.features);
      }
      if (!isWritten && rows.verdicts.length > 0) {
        await insertVerdicts(session, rows.verdicts, this.instance);
        await trimVerdicts(session, limits, this.instance);
      }
      return change === null ? null : this.#change(session, change);
    });
    await this.#size.updateIfOld(await this.#owned.get());
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

  async #change(session: Session, change: LearningChange): Promise<number | null> {
    const models = new ModelTable(session, this.instance);
    if (change.kind === "insert_model") return models.insert(change.model, this.#options.limits);
    if (change.kind === "set_status")
      await models.setStatus(change.version, change.status, change.atMs, change.options);
    else await setNote(session, this.instance, change);
    return null;
  }
}
