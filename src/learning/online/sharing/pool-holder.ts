/** A pool's models as the cluster sees them: what it takes becomes a version of the pool's own store, and is judged like any other. */

import type { LearningStore, Model } from "../../../storage/learning-store.ts";
import type { HeldModel, ModelHolder } from "../../cluster/model/model-holder.ts";
import { BadModelError } from "../../cluster/model/model-registry.ts";
import type { SharedModelNote } from "../../cluster/model/note.ts";
import type { ModelSource, PublishedModel } from "../../cluster/model/published-model.ts";
import { CommandError } from "../../judge/lifecycle/command-error.ts";
import { sameFiles } from "../../models/files/stored-files.ts";
import type { IsolatedModelOptions } from "../../models/inference/isolated-model.ts";
import type { Judging } from "../judging/judging.ts";
import { loadStored } from "../shelf/loaded-model.ts";
import type { ModelShelf } from "../shelf/model-shelf.ts";

/** Under this name the store keeps what was taken. */
export const CLUSTER_NOTE = "cluster";
/** Models that are looked through for one with the same files. */
const LOOKED_THROUGH = 100;
/** Verdicts on a model that are told with it. */
const TOLD_VERDICTS = 20;

/** What it works on. */
export interface PoolHolderOptions {
  readonly pool: string;
  readonly store: LearningStore;
  readonly shelf: ModelShelf;
  /** How models that others made are run. */
  readonly isolation: IsolatedModelOptions;
  /** There was traffic of late to learn from. */
  readonly isBusy: () => boolean;
  /** Who judges now. */
  readonly judging: () => Judging;
  /** Boot clock, milliseconds. */
  readonly nowMs: () => number;
  /** Milliseconds since the epoch. */
  readonly wallMs: () => number;
}

interface Looked {
  readonly version: number;
  origin: Model["origin"] | null;
}

export class PoolHolder implements ModelHolder {
  readonly #options: PoolHolderOptions;
  /** Where the champion came from; of another version it is not known yet. */
  #origin: Looked | null = null;

  constructor(options: PoolHolderOptions) {
    this.#options = options;
  }

  /** Trainings find samples in a store on disk or in a database alone. */
  get canLead(): boolean {
    return this.#options.store.status().durable;
  }

  get isBusy(): boolean {
    return this.#options.isBusy();
  }

  get isPaused(): boolean {
    return this.#options.judging().status.paused;
  }

  get champion(): number | null {
    return this.#options.judging().champion;
  }

  get isShipped(): boolean {
    const version = this.champion;
    if (version === null) return true;
    if (this.#origin?.version !== version) {
      const looked: Looked = { version, origin: null };
      this.#origin = looked;
      this.#options.store.model(version).then(
        (model) => {
          looked.origin = model?.origin ?? null;
        },
        () => {
          if (this.#origin === looked) this.#origin = null; // it is asked again
        },
      );
    }
    const { origin } = this.#origin;
    return origin === null || origin === "shipped";
  }

  get isRefuted(): boolean {
    return this.#options.judging().isRefuted;
  }

  async model(version: number): Promise<HeldModel | null> {
    const { store, shelf } = this.#options;
    const files = shelf.get(version)?.files ?? (await store.modelFiles(version));
    if (files === null) return null;
    const [kept, verdicts] = await Promise.all([
      store.model(version),
      store.verdicts({ modelVersion: version, limit: TOLD_VERDICTS }),
    ]);
    const told = verdicts.map(({ atMs, kind, reason, numbers }) => ({ atMs, kind, reason, numbers }));
    return { files, report: kept?.report ?? null, verdicts: told };
  }

  async adopt(model: PublishedModel, source: ModelSource, revision: number): Promise<number> {
    const { shelf, judging, nowMs } = this.#options;
    const version = (await this.#known(model)) ?? (await this.#insert(model, source, revision));
    await shelf.load(version);
    const reason = `revision ${revision} of the cluster, ${source.kind.replace("_", " ")} at ${source.instance}`;
    try {
      judging().adopt(source.kind, version, nowMs(), `${reason}: ${source.reason}`);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error; // it has become the champion meanwhile
    }
    return version;
  }

  withdraw(reason: string): boolean {
    const { judging, nowMs } = this.#options;
    if (judging().status.previous === null) return false;
    judging().withdraw(nowMs(), reason);
    return true;
  }

  async keep(note: SharedModelNote): Promise<void> {
    await this.#options.store.setNote(this.#options.pool, CLUSTER_NOTE, note).catch(() => {}); // it is kept at the next change
  }

  /** The version that these files have here already. */
  async #known({ files }: PublishedModel): Promise<number | null> {
    const { store, pool } = this.#options;
    for (const { version } of await store.models({ pool, limit: LOOKED_THROUGH })) {
      const kept = await store.modelFiles(version);
      if (kept !== null && sameFiles(kept, files)) return version;
    }
    return null;
  }

  /** Loaded and tried before it gets a version: what does not work is no model. */
  async #insert({ files, report, verdicts }: PublishedModel, source: ModelSource, revision: number): Promise<number> {
    const { store, shelf, pool, isolation, wallMs } = this.#options;
    const loaded = await loadStored(files, 0, isolation).catch((error: Error) => {
      throw new BadModelError(error.message);
    });
    try {
      if (loaded.model.outputKind !== "log_relative_cost") {
        throw new BadModelError("its scores are no costs, so they cannot be compared");
      }
      const version = await store.insertModel({
        pool,
        createdAtMs: wallMs(),
        origin: "cluster",
        parentVersion: null,
        status: "retired", // until it routes
        files,
        report: { cluster: { revision, ...source }, training: report, verdicts },
      });
      shelf.add({ ...loaded, version });
      return version;
    } catch (error) {
      void loaded.model.release();
      throw error instanceof RangeError ? new BadModelError(error.message) : error;
    }
  }
}
