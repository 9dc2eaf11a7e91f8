/**
 * A worker without a proxy: speaks the protocol, shows signs of life, and misbehaves on request. How it starts is its
 * first argument; later orders come as the host in a `settings` message.
 */
import { appendFileSync, existsSync } from "node:fs";
import type { FromWorker, ToWorker, WorkerStart } from "../../../../../src/protocol/worker.ts";
import { openSharedMemory } from "../../../../../src/shared/memory/file.ts";
import { WorkerInfo } from "../../../../../src/shared/memory/layout/shared-memory.ts";
import { WorkerCounter } from "../../../../../src/shared/memory/layout/worker-counters.ts";

const mode = process.argv[2];
const journal = process.argv[3];
const send = (message: FromWorker) => process.send?.(message);
process.on("disconnect", () => process.exit(0));
process.on("SIGINT", () => {});
process.on("SIGTERM", () => {});
process.on("message", (message: ToWorker) => {
  if (journal !== undefined) appendFileSync(journal, `${JSON.stringify({ ...message, pid: process.pid })}\n`);
  if (message.type === "start") start(message);
  else if (message.type === "drain" && mode !== "never-drains") setTimeout(() => process.exit(0), 20);
  else if (message.type === "settings") obey(message.settings.host);
  if (message.type === "settings" || message.type === "endpoints") send({ type: "settled" });
});

function start(message: WorkerStart): void {
  if (mode === "failed" || (mode === "second-fails" && message.index === 1)) {
    send({ type: "failed", message: `cannot listen on port ${message.settings.listeners[0].port}: it is in use` });
    setTimeout(() => process.exit(1), 5);
    return;
  }
  if (mode === "crash") process.exit(3);
  const memory = openSharedMemory(message.memoryPath);
  const block = memory.workers[message.index];
  block.info[WorkerInfo.PID] = process.pid;
  block.counters[WorkerCounter.REQUESTS] += 10;
  block.counters[WorkerCounter.CONNECTIONS_OPEN] = 4;
  const take = (slot: number, n: number) => {
    Atomics.add(memory.servers.inFlight, slot, n);
    Atomics.add(block.ownInFlight, slot, n);
  };
  take(0, 2);
  take(7, 1);
  let beats = 0;
  const beat = () => {
    block.counters[WorkerCounter.HEARTBEAT_MS] = ++beats;
  };
  beat();
  setInterval(beat, 50);
  const ports = message.settings.listeners.map(({ port }, index) => port || 4321 + index);
  const look = setInterval(() => {
    if (mode === "waits" && !existsSync(`${journal}.go`)) return;
    clearInterval(look);
    send({ type: "ready", ports });
  }, 5);
}

function obey(order: string): void {
  if (order === "exit") process.exit(7);
  if (order === "hang") for (;;);
}
