/** The audit: who changed what at run time, and why. */

/** Who changes something where no token is asked for, as `actor`. */
export const LOCAL_ACTOR = "local";
/** The balancer itself, as `actor`. */
export const OWN_ACTOR = "neurabalancer";

/** One change, or one thing that an operator asked for. */
export interface AuditEntry {
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  /** Name of the token, subject of the certificate, or both; `local` where none is asked for; `neurabalancer` = the balancer itself. */
  readonly actor: string;
  /** Its address; may be empty. */
  readonly client: string;
  /** What was done, for machines: `server.drain`, `override.remove`. */
  readonly action: string;
  /** To what, for people: `server 10.0.0.5:3000 of pool default`. */
  readonly target: string;
  /** What was, and what is; `null` = nothing. JSON-safe. */
  readonly before: unknown;
  readonly after: unknown;
  /** Why; may be empty. */
  readonly reason: string;
  /** False = for that run of that instance only. */
  readonly kept: boolean;
  /** The instance that it was done at, where that was another; left out = this one. */
  readonly instance?: string;
}

/** Which entries are asked for; newest first. */
export interface AuditQuery {
  readonly limit: number;
  /** Milliseconds since the epoch; older ones are left out. `null` = all that there are. */
  readonly sinceMs: number | null;
}
