/** The pool's learning, as what is shared of it sees it. */
import type { StoredModelFiles } from "../../../storage/learning-store.ts";
import type { SharedModelNote } from "./note.ts";
import type { ModelSource, PublishedModel, PublishedVerdict } from "./published-model.ts";

/** A model of the pool's own store. */
export interface HeldModel {
  readonly files: StoredModelFiles;
  readonly report: unknown;
  readonly verdicts: readonly PublishedVerdict[];
}

/** The pool's learning, as this part of it sees it. */
export interface ModelHolder {
  /** Models can be trained here. */
  readonly canLead: boolean;
  /** There is traffic to learn from. */
  readonly isBusy: boolean;
  /** An operator wants no model to move on by itself. */
  readonly isPaused: boolean;
  /** Version of the model that serves; `null` = none does yet. */
  readonly champion: number | null;
  /** It is the product's, which every instance has. */
  readonly isShipped: boolean;
  /** The champion was found worse than the estimator. */
  readonly isRefuted: boolean;
  /** A model; `null` = it is not kept any more. Rejects when the store cannot be read. */
  model(version: number): Promise<HeldModel | null>;
  /**
   * Makes it the champion, and gives its version. Rejects with a `BadModelError` when it cannot be used, and when the store does not
   * take it.
   */
  adopt(model: PublishedModel, source: ModelSource, revision: number): Promise<number>;
  /** Back to the champion before, because others stepped down from this one. False = there is none. */
  withdraw(reason: string): boolean;
  /** Keeps what must be known after a restart. Never rejects. */
  keep(note: SharedModelNote): Promise<void>;
}
