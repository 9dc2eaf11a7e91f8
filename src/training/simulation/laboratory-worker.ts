/** A thread of a `ThreadLaboratory`: does one job after the other. */

import type { EpochReport } from "../trainer.ts";
import { type Job, perform, type Results } from "./laboratory.ts";

declare const self: Worker;

/** What the thread answers. */
export type Answer =
  | { readonly type: "epoch"; readonly epoch: EpochReport }
  | { readonly type: "done"; readonly result: Results[Job["kind"]] }
  | { readonly type: "failed"; readonly message: string };

self.onmessage = ({ data }: MessageEvent<Job>) => {
  const answer = (message: Answer) => self.postMessage(message);
  try {
    answer({ type: "done", result: perform(data, (epoch) => answer({ type: "epoch", epoch })) });
  } catch (error) {
    answer({ type: "failed", message: (error as Error).stack ?? String(error) });
  }
};
