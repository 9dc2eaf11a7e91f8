import type { FittedFleet, FittedServer } from "./fleet.ts";
import type { ServerDescription } from "./result.ts";
import type { RunOutcome } from "./simulate/run.ts";

/** So much slower than usual, and it is said. */
const SLOW = 0.8;

/** For people: what each server was like. */
export function describeServers({ servers, durationMs, traffic }: FittedFleet): ServerDescription[] {
  const mean = servers.reduce((sum, { speed }) => sum + speed, 0) / servers.length;
  return servers.map((server, i): ServerDescription => {
    const { name, workers, discipline, speed } = server;
    const timeAt = (is: (speed: number) => boolean): number =>
      overTime(server.speeds, durationMs, (phase) => (is(phase.speed) ? 1 : 0));
    return {
      name,
      workers: Number.isFinite(workers) ? workers : null,
      discipline,
      speed: speed / mean,
      pausedShare: timeAt((now) => now === 0),
      slowShare: timeAt((now) => now > 0 && now < SLOW * speed),
      failedShare: failedShare(server, traffic.atMs, traffic.server, i),
      awayShare: server.absences.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0) / durationMs,
    };
  });
}

/** Names of those that were sent more work in a run than they can do in that time. */
export function overloadedServers({ servers, durationMs, traffic }: FittedFleet, { server }: RunOutcome): string[] {
  const sent = new Float64Array(servers.length);
  for (let i = 0; i < server.length; i++) if (server[i] >= 0) sent[server[i]] += traffic.work[i];
  return servers
    .filter(
      ({ workers, speeds }, i) => sent[i] > durationMs * workers * overTime(speeds, durationMs, ({ speed }) => speed),
    )
    .map(({ name }) => name);
}

/** Mean of something over the time that phases last. */
function overTime<T extends { readonly fromMs: number }>(
  phases: readonly T[],
  durationMs: number,
  read: (phase: T) => number,
): number {
  let sum = 0;
  for (const [i, phase] of phases.entries()) {
    const toMs = phases[i + 1]?.fromMs ?? durationMs;
    sum += Math.max(0, toMs - phase.fromMs) * read(phase);
  }
  return sum / durationMs;
}

function failedShare(server: FittedServer, atMs: Float64Array, placed: Int16Array, index: number): number {
  let phase = 0;
  let sum = 0;
  let count = 0;
  for (let i = 0; i < atMs.length; i++) {
    if (placed[i] !== index) continue;
    while (phase + 1 < server.failures.length && server.failures[phase + 1].fromMs <= atMs[i]) phase++;
    sum += server.failures[phase].share;
    count++;
  }
  return count > 0 ? sum / count : 0;
}
