/** What becomes of a verdict outside the judges: it is logged, counted and stored, and changes the status of models. */
import { LearnerCounter, VERDICT_KINDS } from "../../../shared/memory/layout/learning.ts";
import type { ModelStatus } from "../../../storage/learning-store.ts";
import type { Logger } from "../../../telemetry/log/logger.ts";
import type { Verdict, VerdictKind } from "../../judge/verdict.ts";
import type { Resources } from "../resources.ts";

/** Verdicts that somebody should look into. */
const ALARMING: readonly VerdictKind[] = [
  "demoted",
  "rolled_back",
  "probation_failed",
  "holding_stopped",
  "holding_probation_failed",
];

/** What a model's status in the store becomes by a verdict about it. */
const STATUS_AFTER: Readonly<Partial<Record<VerdictKind, ModelStatus>>> = {
  candidate: "shadow",
  canary_started: "canary",
  promoted: "champion",
  shadow_failed: "rejected",
  rejected: "rejected",
};

/** Where verdicts are kept. */
export interface VerdictKeeperOptions {
  /** Name of the pool that is judged. */
  readonly pool: string;
  readonly resources: Resources;
  /** `LearnerCounter`s. */
  readonly counters: Float64Array;
  readonly log: Logger;
  /** Added to the boot clock it gives milliseconds since the epoch. */
  readonly wallOffsetMs: () => number;
}

export class VerdictKeeper {
  readonly #options: VerdictKeeperOptions;

  constructor(options: VerdictKeeperOptions) {
    this.#options = options;
  }

  /** @param champion the model that serves by this verdict; `null` = none. */
  keep({ kind, reason, numbers, atMs, modelVersion: about }: Verdict, champion: number | null): void {
    const { pool, resources, counters, log, wallOffsetMs } = this.#options;
    const { statuses } = resources;
    // What is no version of ours has no row in the store.
    const modelVersion = about !== null && about > 0 ? about : null;
    const wallMs = Math.round(atMs + wallOffsetMs());
    counters[LearnerCounter.VERDICTS + VERDICT_KINDS.indexOf(kind)]++;
    const fields = { verdict: kind, model_version: modelVersion, ...numbers };
    log[ALARMING.includes(kind) ? "warn" : "info"](fields, `${kind.replaceAll("_", " ")}: ${reason}`);
    resources.appendVerdict({ pool, atMs: wallMs, modelVersion, kind, reason, numbers });
    const status = STATUS_AFTER[kind];
    if (modelVersion !== null && status !== undefined) statuses.set(modelVersion, status, wallMs);
    if (kind === "rolled_back" && champion !== null) {
      statuses.set(champion, "champion", wallMs, { outgoing: "rejected" });
    }
  }
}
