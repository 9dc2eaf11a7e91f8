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
  setTimeout(() => begin(message.memoryPath), mode === "starts-slowly" ? 1500 : 0);
});

function begin(memoryPath: string): void {
  const { learnerCounters } = openSharedMemory(memoryPath);
  const beat = () => setInterval(() => learnerCounters[LearnerCounter.HEARTBEAT]++, 20);
  if (mode === "opens-slowly") {
    learnerCounters[LearnerCounter.STORE_OPENING] = 1;
    const look = setInterval(() => {
      if (learnerCounters[LearnerCounter.STORE_OPENING] === 1) return; // the test says when it is open
      clearInterval(look);
      beat();
    }, 5);
  } else if (mode === "starts-slowly")
    setTimeout(beat, 150); // some checks later
  else if (mode !== "hangs") beat();
  send({ type: "ready" });
  if (mode === "judges") {
    send({ type: "verdict", pool: "shop", kind: "rolled_back", reason: "worse", modelVersion: 7, numbers: { n: 1 } });
  }
}
