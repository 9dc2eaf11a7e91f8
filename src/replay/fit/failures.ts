/** When a server failed how much: the likeliest path through levels of failing. What it did last holds until it is heard of again. */
import type { FailurePhase } from "../fleet.ts";
import type { ServerLog } from "./server-log.ts";

/** Shares that are told apart, beside the usual one. */
const SHARES = [0.05, 0.2, 0.5, 0.8, 0.995];
/** Log-probability that a request finds another share than the one before it. */
const CHANGE = Math.log(1 / 400);
/** A share is never 0: a failure is never impossible. */
const LEAST_SHARE = 1e-4;
/** Of each phase, at most so many latencies are kept. */
const MOST_LATENCIES = 1000;

/** Phases of a server's failures; the first begins at 0. */
export function fitFailures(log: ServerLog): FailurePhase[] {
  const { failed } = log;
  const n = failed.length;
  const failures = failed.reduce((sum, one) => sum + one, 0);
  if (failures === 0) return [{ fromMs: 0, share: 0, latenciesMs: [] }];
  let usual = LEAST_SHARE;
  let path = pathOf(log, [usual, ...SHARES]);
  // What fails outside the bad times is the usual share; of this the first guess was none.
  for (let turn = 0; turn < 2; turn++) {
    let count = 0;
    let bad = 0;
    for (let i = 0; i < n; i++) {
      if (path[i] !== 0) continue;
      count++;
      bad += failed[i];
    }
    usual = Math.min(0.04, Math.max(LEAST_SHARE, bad / Math.max(1, count)));
    path = pathOf(log, [usual, ...SHARES]);
  }
  return phasesOf(log, path);
}

function pathOf({ failed, weight }: ServerLog, shares: readonly number[]): Uint8Array {
  const n = failed.length;
  const states = shares.length;
  const back = new Uint8Array(n * states);
  const fails = shares.map(Math.log);
  const works = shares.map((share) => Math.log(1 - share));
  let score = shares.map((_, state) => (state === 0 ? 0 : CHANGE));
  const most = weight.reduce((max, one) => Math.max(max, one), 1);
  for (let i = 0; i < n; i++) {
    const best = score.indexOf(Math.max(...score));
    const jump = score[best] + CHANGE;
    // Who is kept more often than others stands for fewer.
    const part = weight[i] / most;
    score = score.map((value, state) => {
      const stays = value >= jump;
      back[i * states + state] = stays ? state : best;
      return (stays ? value : jump) + part * (failed[i] === 1 ? fails[state] : works[state]);
    });
  }
  const path = new Uint8Array(n);
  let state = score.indexOf(Math.max(...score));
  for (let i = n - 1; i >= 0; i--) {
    path[i] = state;
    state = back[i * states + state];
  }
  return path;
}

function phasesOf({ failed, sentMs, doneMs, weight }: ServerLog, path: Uint8Array): FailurePhase[] {
  const usual = shareOf((i) => path[i] === 0);
  const phases: FailurePhase[] = [];
  for (let from = 0; from < path.length; ) {
    let to = from + 1;
    while (to < path.length && path[to] === path[from]) to++;
    const first = from;
    const last = to;
    const { share, latenciesMs } = path[from] === 0 ? usual : shareOf((i) => i >= first && i < last);
    phases.push({ fromMs: phases.length === 0 ? 0 : sentMs[from], share, latenciesMs });
    from = to;
  }
  return phases;

  function shareOf(among: (i: number) => boolean): Omit<FailurePhase, "fromMs"> {
    let all = 0;
    let bad = 0;
    const latenciesMs: number[] = [];
    for (let i = 0; i < path.length; i++) {
      if (!among(i)) continue;
      all += weight[i];
      if (failed[i] === 0) continue;
      bad += weight[i];
      if (latenciesMs.length < MOST_LATENCIES) latenciesMs.push(doneMs[i] - sentMs[i]);
    }
    return { share: all > 0 ? bad / all : 0, latenciesMs };
  }
}
