/** Where simulations for training are run: in this thread or in others. What comes out does not depend on where. */
import type { Network } from "../../learning/models/network.ts";
import { type RowColumns, TrainingRows } from "../rows.ts";
import type { EpochReport } from "../trainer.ts";
import { networkPolicy, referenceOf, runTask, type Task, type TaskFigures } from "./fitness.ts";
import { type RecordedRun, recordRun } from "./simulated-rows.ts";
import { type SupervisedOptions, type SupervisedReport, superviseStart } from "./supervised-start.ts";

/** One piece of work. All of it can be sent to another thread. */
export type Job =
  | { readonly kind: "rows"; readonly run: RecordedRun }
  | { readonly kind: "fit"; readonly rows: RowColumns; readonly options: Omit<SupervisedOptions, "onEpoch"> }
  | { readonly kind: "reference"; readonly task: Task }
  | { readonly kind: "trial"; readonly task: Task; readonly network: Network };

/** What each kind of work gives. */
export interface Results {
  readonly rows: RowColumns;
  readonly fit: { readonly network: Network; readonly report: SupervisedReport };
  readonly reference: TaskFigures;
  readonly trial: TaskFigures;
}

/** Does work, in any order and at the same time. */
export interface Laboratory {
  /** @param onEpoch told of each epoch of a fit. */
  run<K extends Job["kind"]>(
    job: Job & { readonly kind: K },
    onEpoch?: (epoch: EpochReport) => void,
  ): Promise<Results[K]>;
}

/** Does one piece of work here and now. */
export function perform(job: Job, onEpoch?: (epoch: EpochReport) => void): Results[Job["kind"]] {
  switch (job.kind) {
    case "rows": {
      const { features, target, weight } = recordRun(job.run);
      return { features, target, weight };
    }
    case "fit":
      return superviseStart(TrainingRows.of(job.rows), { ...job.options, onEpoch });
    case "reference":
      return referenceOf(job.task);
    case "trial":
      return runTask(job.task, networkPolicy(job.network));
  }
}

/** This thread. */
export const SAME_THREAD: Laboratory = {
  async run<K extends Job["kind"]>(job: Job & { readonly kind: K }, onEpoch?: (epoch: EpochReport) => void) {
    return perform(job, onEpoch) as Results[K];
  },
};
