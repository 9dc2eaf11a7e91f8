/**
 * A recorder that keeps nothing: speaks the protocol, shows signs of life, and writes down what it is told. What it tells of
 * servers stands in a file beside its journal.
 */
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import type { FromRecorder, ToRecorder } from "../../../../../src/protocol/recorder.ts";
import { openSharedMemory } from "../../../../../src/shared/memory/file.ts";
import { RecorderCounter } from "../../../../../src/shared/memory/layout/history.ts";

const [mode, journal] = process.argv.slice(2);
let told = "";
const send = (message: FromRecorder) => process.send?.(message);
process.on("disconnect", () => process.exit(0));
process.on("message", (message: ToRecorder) => {
  appendFileSync(journal, `${JSON.stringify({ ...message, pid: process.pid })}\n`);
  if (message.type === "drain" && mode !== "never-drains") process.exit(0);
  if (message.type === "events" && mode !== "forgetful") send({ type: "kept", number: message.number });
  if (message.type !== "start") return;
  if (mode === "failed") {
    send({ type: "failed", message: "the memory cannot be read" });
    setTimeout(() => process.exit(1), 5);
    return;
  }
  const { counters } = openSharedMemory(message.memoryPath).recorder;
  setInterval(() => counters[RecorderCounter.HEARTBEAT]++, 20);
  counters[RecorderCounter.ROWS_WAITING] = 7;
  counters[RecorderCounter.ROWS_WRITTEN] += 5;
  counters[RecorderCounter.STORE_DEGRADED] = mode === "degraded" ? 1 : 0;
  send({ type: "ready" });
  tellServers();
  setInterval(tellServers, 20);
});

function tellServers(): void {
  const path = `${journal}.servers`;
  const text = existsSync(path) ? readFileSync(path, "utf8") : '{"rows":[],"undone":[]}';
  if (text === told) return;
  told = text;
  send({ type: "servers", ...JSON.parse(text) });
}
