/**
 * Takes servers of a fleet out that most instances have out, and brings them back. Bounded as ejections are: no more at once than
 * may be ejected, and never the last that is up; a fault that most instances have in common must not empty a pool.
 */
import { ejectionAllowance } from "../balancing/failing-servers.ts";
import { isWithdrawn, ServerState } from "../shared/memory/layout/shared-memory.ts";
import {
  countVotes,
  isMajority,
  type MajorityVerdict,
  type OthersVotes,
  type OwnVerdict,
  type Votes,
} from "./majority.ts";

/** A server that instances decide on together. */
export interface VotedServer {
  readonly slot: number;
  /** What is made of it, the majority's verdict included. */
  readonly state: ServerState;
  /** This instance's own view. */
  readonly ownVerdict: OwnVerdict;
  readonly majority: MajorityVerdict;
}

/** What was decided. */
export interface MajorityEvents<S extends VotedServer> {
  onTakenOut(server: S, votes: Votes): void;
  /** @param votes `null` = nothing fresh is known of the others. */
  onBroughtBack(server: S, votes: Votes | null): void;
}

/**
 * One turn. `servers` are those of the configuration.
 * @param others `null` = nothing fresh is known of them: each instance goes by its own view.
 * @param maxEjectedPercent as of ejections.
 */
export function judgeTogether<S extends VotedServer>(
  servers: readonly S[],
  others: OthersVotes | null,
  maxEjectedPercent: number,
  nowMs: number,
  events: MajorityEvents<S>,
): void {
  for (const server of servers) {
    if (!server.majority.out) continue;
    const votes = votesOf(server, others, nowMs);
    if (votes !== null && isMajority(votes)) continue;
    server.majority.bringBack(nowMs);
    events.onBroughtBack(server, votes);
  }
  if (others === null) return;
  let total = 0;
  let ejected = 0;
  let up = 0;
  const wanted: [S, Votes][] = [];
  for (const server of servers) {
    const { state, majority } = server;
    if (isWithdrawn(state)) continue;
    total++;
    if (state === ServerState.EJECTED) ejected++;
    if (state !== ServerState.UP) continue;
    up++;
    if (others.down[server.slot] + others.ejected[server.slot] === 0) continue; // as most of them, most of the time
    const votes = majority.isRested(nowMs) ? votesOf(server, others, nowMs) : null;
    if (votes !== null && isMajority(votes)) wanted.push([server, votes]);
  }
  const allowance = ejectionAllowance(total, maxEjectedPercent);
  for (const [server, votes] of wanted) {
    if (ejected >= allowance || up <= 1) return;
    ejected++;
    up--;
    server.majority.takeOut();
    events.onTakenOut(server, votes);
  }
}

/** `null` = nothing that is meant of it is known of the others. */
export function votesOf(server: VotedServer, others: OthersVotes | null, nowMs: number): Votes | null {
  if (others === null || !server.majority.isMeant(nowMs)) return null;
  return countVotes(others, server.slot, server.ownVerdict);
}
