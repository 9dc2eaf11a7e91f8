/**
 * The process that runs one model of somebody else's making. The library that runs it is native code and cannot be
 * interrupted, so whoever started this process ends it when a response does not come. It has no settings and no secrets:
 * its environment and directory are given by isolated-model.ts.
 */
import { writeFileSync } from "node:fs";
import { ModelFileError } from "../files/model-file-error.ts";
import { OnnxModel } from "../files/onnx/model.ts";
import { endProcessIn } from "./c-library.ts";
import { type FromInference, LIMITS, type ToInference } from "./messages.ts";

/** By how much this process waits longer than the one that started it, milliseconds: for when that one is gone. */
const GRACE_MS = 5000;

/** Answers until the channel closes. */
export function runInference(): void {
  let model: OnnxModel | undefined;
  const tell = (message: FromInference): void => void process.send?.(message);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1"] as const) process.on(signal, () => {}); // meant for our parent
  process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
  goFirstWhenMemoryIsShort();

  const answer = async (message: ToInference): Promise<FromInference> => {
    if (message.type === "load") {
      model = await OnnxModel.load(message.files, message.options);
      return { type: "loaded", outputKind: model.outputKind };
    }
    if (model === undefined) throw new Error("no model was loaded");
    return { type: "scores", scores: await model.predict(message.rows, message.count) };
  };
  process.on("message", async (message: ToInference) => {
    endProcessIn(((message.type === "load" ? LIMITS.loadMs : LIMITS.predictMs) + GRACE_MS) / 1000);
    try {
      tell(await answer(message));
    } catch (error) {
      const file = error instanceof ModelFileError ? error.file : null;
      tell({ type: "failed", message: (error as Error).message, file });
    } finally {
      endProcessIn(0);
    }
  });
  tell({ type: "ready" });
}

/** A model that takes all memory ends itself, not what serves beside it. proc_pid_oom_score_adj(5). */
function goFirstWhenMemoryIsShort(): void {
  try {
    writeFileSync("/proc/self/oom_score_adj", "1000");
  } catch {
    // Another system than Linux.
  }
}
