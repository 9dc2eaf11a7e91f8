/** Watches what the champion is asked with: one row for each server, a few times a second, while there is traffic. */
import { FEATURE_COUNT } from "../../features/fleet-features.ts";
import { selectFeatures } from "../../features/table-features.ts";
import type { Finding } from "../../judge/finding.ts";
import { DriftWatch } from "../../judge/guardrail/drift.ts";
import type { DriftOptions } from "../../judge/options.ts";
import type { PublishedTable } from "../../serving/table-history.ts";
import type { LoadedModel } from "../shelf/loaded-model.ts";

/** Tables between two looks: five looks a second. */
const EVERY = 4;
/** Inputs of a fleet without traffic say how long it has been quiet, and no more. Milliseconds. */
const TRAFFIC_MS = 1000;

export class InputWatch {
  readonly #options: DriftOptions;
  readonly #row = new Float64Array(FEATURE_COUNT);
  #watched: { readonly version: number; readonly watch: DriftWatch; readonly selection: Int32Array } | null = null;
  #tables = 0;
  #trafficMs = Number.NEGATIVE_INFINITY;

  constructor(options: DriftOptions) {
    this.#options = options;
  }

  /** Whose inputs are watched from now on. A model whose training is not known has none to compare with. */
  watch(model: LoadedModel | undefined): void {
    const inputs = model?.inputs ?? null;
    if (model === undefined || inputs === null) this.#watched = null;
    else if (this.#watched?.version !== model.version) {
      const watch = new DriftWatch(inputs, this.#options);
      this.#watched = { version: model.version, watch, selection: selectFeatures(inputs.names) };
    }
  }

  /** An attempt ended. */
  onTraffic(nowMs: number): void {
    this.#trafficMs = nowMs;
  }

  /** A table of the champion. @param inFlight by slot. */
  onTable({ modelVersion, features, atMs }: PublishedTable, inFlight: ArrayLike<number>): void {
    const watched = this.#watched;
    if (watched === null || watched.version !== modelVersion) return;
    if (this.#tables++ % EVERY !== 0 || atMs - this.#trafficMs > TRAFFIC_MS) return;
    for (let server = 0; server < features.slots.length; server++) {
      features.fillRow(server, inFlight[features.slots[server]], this.#row, 0);
      watched.watch.observe(
        Array.from(watched.selection, (index) => this.#row[index]),
        atMs,
      );
    }
  }

  /** In what the inputs have drifted; `undefined` = in nothing, or they are not watched. */
  finding(nowMs: number): Finding | undefined {
    return this.#watched?.watch.finding(nowMs);
  }
}
