import type { FailurePhase, FittedServer } from "../fleet.ts";

/** What changes about a server at a moment. */
export interface Change {
  readonly atMs: number;
  readonly server: number;
  /** `null` = it stays; likewise below. */
  readonly speed: number | null;
  readonly failure: FailurePhase | null;
  /** 1 = an absence begins, -1 = one ends. */
  readonly away: 1 | 0 | -1;
}

/** All phases of all servers as changes in the order of time. What lasts to the end ends there: whoever waits is served. */
export function changesOf(servers: readonly FittedServer[], durationMs: number): Change[] {
  const changes: Change[] = [];
  for (const [server, { speeds, failures, absences }] of servers.entries()) {
    const none = { server, speed: null, failure: null, away: 0 } as const;
    for (const { fromMs, speed } of speeds) changes.push({ ...none, atMs: fromMs, speed });
    if (speeds.at(-1)!.speed === 0) changes.push({ ...none, atMs: durationMs, speed: servers[server].speed });
    for (const failure of failures) changes.push({ ...none, atMs: failure.fromMs, failure });
    for (const { fromMs, toMs } of absences) {
      changes.push({ ...none, atMs: fromMs, away: 1 }, { ...none, atMs: toMs, away: -1 });
    }
  }
  return changes.sort((a, b) => a.atMs - b.atMs);
}
