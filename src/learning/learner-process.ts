/** The learner process: composition root of learned balancing. It owns its clock and hands it down. */
import { isEligible } from "../balancing/eligibility.ts";
import { bootClockOffsetMs } from "../shared/boot-clock.ts";
import { LearnerCounter, LearnerWord, MAX_SERVERS, type SharedMemory } from "../shared/layout.ts";
import { openSharedMemory } from "../shared/memory-file.ts";
import type { FromLearner, LearnerQuestion, LearnerStart, ToLearner } from "../shared/protocol.ts";
import { readServerTable } from "../shared/server-table-reader.ts";
import { droppedLogLines } from "../telemetry/log-sink.ts";
import { createLogger, type Logger } from "../telemetry/logger.ts";
import { processDescriptors } from "../telemetry/process-descriptors.ts";
import { describeLearner, explainRequest } from "./explain.ts";
import { LearnerCore } from "./learner-core.ts";
import { estimatorNetwork, NetworkModel } from "./network-model.ts";
import { SurfaceHistory } from "./surface-history.ts";
import { OutcomeFeed } from "./worker-rings.ts";

/** How often outcomes are read, milliseconds: the rings hold far more than come in that time. */
const DRAIN_MS = 20;
/** From one table to the next, milliseconds. */
const TABLE_MS = 50;
const HEARTBEAT_MS = 500;
/** Heartbeats between two looks at the open descriptors: counting many of them takes milliseconds. */
const LOOK_EVERY_BEATS = 10;
/** A learner that is started again begins with what its predecessor knew of, if it is no older, milliseconds. */
const REPLAY_MS = 30_000;

/** Runs the learner until the supervisor says "drain", or is gone. */
export function runLearner(): void {
  let answer: ((question: LearnerQuestion) => unknown) | undefined;
  const tell = (message: FromLearner): void => void process.send?.(message);
  // The terminal sends Ctrl-C to the whole process group; what it means is the supervisor's decision.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => {});
  process.on("SIGHUP", () => {});
  process.on("message", (message: ToLearner) => {
    if (message.type === "start") {
      try {
        answer = start(message);
        tell({ type: "ready" });
      } catch (error) {
        tell({ type: "failed", message: (error as Error).message });
        process.exitCode = 1;
        setTimeout(() => process.exit(1), 100); // time for the message to leave
      }
    } else if (message.type === "ask") {
      tell({ type: "answer", number: message.number, answer: answer?.(message.question) ?? null });
    } else if (message.type === "drain") process.exit(0);
  });
  // The supervisor is gone, and the workers are going.
  process.on("disconnect", () => process.exit(0));
}

function start({ memoryPath, logLevel, logFormat }: LearnerStart): (question: LearnerQuestion) => unknown {
  const memory = openSharedMemory(memoryPath);
  const log = createLogger({ level: logLevel, format: logFormat, name: "learner" });
  const bootOffsetMs = bootClockOffsetMs(() => performance.now(), performance.timeOrigin);
  const now = (): number => performance.now() + bootOffsetMs;
  const history = new SurfaceHistory();
  const core = new LearnerCore({
    fleet: memory.servers,
    learned: memory.learned,
    counters: memory.learnerCounters,
    history,
    stopwatch: () => performance.now(),
  });
  core.setChampion({ version: 1, model: new NetworkModel(estimatorNetwork()) });
  const feed = new OutcomeFeed(memory);
  for (const outcome of feed.past()) if (outcome.atMs >= now() - REPLAY_MS) core.observe(outcome);
  memory.learned.words[LearnerWord.PID] = process.pid;
  keepAlive(memory.learnerCounters);
  const drain = (): void => feed.drain((outcome) => core.observe(outcome));
  drain();
  setInterval(drain, DRAIN_MS);
  const makeTable = (): void => {
    const slots = eligibleSlots(memory);
    if (slots !== undefined) void core.tick(slots, now()).then(() => logRung(log, core));
  };
  makeTable();
  setInterval(makeTable, TABLE_MS);
  const sources = { memory, history, wallOffsetMs: performance.timeOrigin - bootOffsetMs };
  return (question) =>
    question.kind === "explain"
      ? explainRequest(sources, question.requestId)
      : describeLearner(sources, core.rungReason);
}

/** `undefined` while the supervisor is writing. */
function eligibleSlots(memory: SharedMemory): Int32Array | undefined {
  return readServerTable(memory, ({ id, state }, panic) => {
    const slots: number[] = [];
    for (let slot = 0; slot < MAX_SERVERS; slot++) {
      if (id[slot] !== 0 && isEligible(state[slot], panic)) slots.push(slot);
    }
    return Int32Array.from(slots);
  })?.value;
}

function keepAlive(counters: Float64Array): void {
  let beats = 0;
  let logDropped = 0;
  const beat = (): void => {
    counters[LearnerCounter.HEARTBEAT] = Date.now();
    counters[LearnerCounter.RSS_BYTES] = process.memoryUsage.rss();
    counters[LearnerCounter.LOG_DROPPED] += droppedLogLines() - logDropped;
    logDropped = droppedLogLines();
    if (beats++ % LOOK_EVERY_BEATS === 0) counters[LearnerCounter.DESCRIPTORS_OPEN] = processDescriptors.open() || 0;
  };
  beat();
  setInterval(beat, HEARTBEAT_MS);
}

/** Said once when the model does not work, and once when it does again. */
function logRung(log: Logger, core: LearnerCore): void {
  const { rungReason } = core;
  if (rungReason !== "") log.once("rung", "the model is not used; the estimator balances", { why: rungReason });
  else log.rearm("rung");
}
