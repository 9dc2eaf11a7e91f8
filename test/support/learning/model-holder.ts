/** A pool's learning as the cluster's part sees it, without any learning: models are texts, and tests decide what the judges would. */

import type { HeldModel, ModelHolder } from "../../../src/learning/cluster/model/model-holder.ts";
import { BadModelError } from "../../../src/learning/cluster/model/model-registry.ts";
import type { SharedModelNote } from "../../../src/learning/cluster/model/note.ts";
import type { ModelSource, PublishedModel } from "../../../src/learning/cluster/model/published-model.ts";
import type { StoredModelFiles } from "../../../src/storage/learning-store.ts";

/** Files that are told apart by a name. */
export function filesOf(name: string): StoredModelFiles {
  return { onnx: new TextEncoder().encode(name), scalerJson: "{}", featuresJson: "[]" };
}

/** A holder whose models are called by names. */
export class NamedModels implements ModelHolder {
  readonly models = new Map<number, string>();
  readonly previous: number[] = [];
  canLead = true;
  isBusy = true;
  isPaused = false;
  isShipped = false;
  isRefuted = false;
  champion: number | null;
  note: SharedModelNote | null = null;
  /** What cannot be loaded. */
  readonly unusable = new Set<string>();
  onChange: (kind: "promoted" | "rolled_back", by: "judge" | "operator" | "cluster", reason: string) => void = () => {};

  constructor(name: string) {
    this.models.set(1, name);
    this.champion = 1;
  }

  /** What serves. */
  get serves(): string {
    return this.models.get(this.champion!)!;
  }

  /** The judges, or an operator, make this one the champion. */
  promote(name: string, by: "judge" | "operator" = "judge"): void {
    this.#promote(this.#versionOf(name));
    this.onChange("promoted", by, "it was better");
  }

  /** They go back to the one before. */
  rollBack(by: "judge" | "operator" = "judge"): void {
    this.champion = this.previous.pop()!;
    this.onChange("rolled_back", by, "it was worse");
  }

  async model(version: number): Promise<HeldModel | null> {
    const name = this.models.get(version);
    return name === undefined ? null : { files: filesOf(name), report: { of: name }, verdicts: [] };
  }

  async adopt({ files }: PublishedModel, source: ModelSource): Promise<number> {
    const name = new TextDecoder().decode(files.onnx);
    if (this.unusable.has(name)) throw new BadModelError("it cannot be loaded");
    const version = this.#versionOf(name);
    if (source.kind === "promoted") this.#promote(version);
    else this.champion = version;
    this.isRefuted = false;
    this.onChange(source.kind, "cluster", "");
    return version;
  }

  withdraw(): boolean {
    if (this.previous.length === 0) return false;
    this.rollBack();
    return true;
  }

  async keep(note: SharedModelNote): Promise<void> {
    this.note = note;
  }

  #promote(version: number): void {
    this.previous.push(this.champion!);
    this.champion = version;
  }

  #versionOf(name: string): number {
    for (const [version, known] of this.models) if (known === name) return version;
    const version = this.models.size + 1;
    this.models.set(version, name);
    return version;
  }
}
