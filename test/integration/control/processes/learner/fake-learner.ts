/** A learner that learns nothing: speaks the protocol, shows signs of life, and answers one kind of question. */

import type { FromLearner, ToLearner } from "../../../../../src/protocol/learner.ts";
import { openSharedMemory } from "../../../../../src/shared/memory/file.ts";
import { LearnerCounter } from "../../../../../src/shared/memory/layout/learning.ts";

const mode = process.argv[2];
const send = (message: FromLearner) => process.send?.(message);
process.on("disconnect", () => process.exit(0));
process.on("message", (message: ToLearner) => {
  if (message.type === "drain") process.exit(0);
  if (message.type === "ask" && message.question.kind === "explain") {
    send({ type: "answer", number: message.number, answer: { asked: message.question } });
  }
  if (message.type !== "start") return;
  if (mode === "failed") {
    send({ type: "failed", message: "no model can be read" });
    setTimeout(() => process.exit(1), 5);
    return;
  }
  if (mode === "never-starts") return;
  setTimeout(() => begin(message.memoryPath), mode === "starts-slowly" ? 1000 : 0);
});

function begin(memoryPath: string): void {
  const { learnerCounters } = openSharedMemory(memoryPath);
  const beat = () => setInterval(() => learnerCounters[LearnerCounter.HEARTBEAT]++, 20);
  if (mode === "opens-slowly" || mode === "hangs") {
    learnerCounters[LearnerCounter.STORE_OPENING] = mode === "hangs" ? 0 : 1;
    if (mode === "opens-slowly") setTimeout(opened, 2000);
  } else beat();
  send({ type: "ready" });
  if (mode === "judges") {
    send({ type: "verdict", pool: "shop", kind: "rolled_back", reason: "worse", modelVersion: 7, numbers: { n: 1 } });
  }

  function opened(): void {
    learnerCounters[LearnerCounter.STORE_OPENING] = 0;
    beat();
  }
}
