/** That an operator has taken a server out: nothing new goes there, what it has it finishes, and its checks go on. */

/** What for. `drain`: it is to be empty. `maintenance`: it is worked on, and is not up to anything meanwhile. */
export type WithdrawalKind = "drain" | "maintenance";

/** One server's. */
export interface Withdrawal {
  readonly kind: WithdrawalKind;
  /** Why, in the operator's words; empty = not said. */
  readonly reason: string;
  /** Since when, milliseconds since the epoch. */
  readonly sinceMs: number;
  /** When it ends by itself, milliseconds since the epoch; `null` = when somebody ends it. */
  readonly untilMs: number | null;
  /** Who did it, as `actor` of events: for operators alone. */
  readonly by: string;
}

/** As the HTTP API shows it. */
export interface WithdrawalView {
  readonly reason: string;
  readonly since: string;
  readonly until: string | null;
  readonly by: string;
}

/** In the words of the API. */
export function viewOf({ reason, sinceMs, untilMs, by }: Withdrawal): WithdrawalView {
  return { reason, since: iso(sinceMs), until: untilMs === null ? null : iso(untilMs), by };
}

/** Why a server is in that state, in a sentence; who did it is left out. */
export function describeWithdrawal({ kind, reason, untilMs }: Withdrawal): string {
  const what = kind === "drain" ? "drained by an operator" : "in maintenance";
  return `${what}${untilMs === null ? "" : ` until ${iso(untilMs)}`}${reason === "" ? "" : `: ${reason}`}`;
}

/** As `describeWithdrawal`, for those who are not to know the operator's words. */
export function describeWithdrawalKind(kind: WithdrawalKind): string {
  return kind === "drain" ? "drained by an operator" : "in maintenance";
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
