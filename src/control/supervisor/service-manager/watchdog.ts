/** A service manager may restart an instance that it does not hear of (sd_watchdog_enabled(3)): how often it wants to. */

/** What a service manager says in the environment; `undefined` = it says nothing. */
export interface WatchdogVariables {
  /** WATCHDOG_USEC: how long it waits, in microseconds. */
  readonly usec?: string;
  /** WATCHDOG_PID: for whom that is. Without it, as while an instance takes over from another, for whoever reads it. */
  readonly pid?: string;
}

/** The longest that a timer of the runtime waits. */
const MAX_INTERVAL_MS = 2 ** 31 - 1;
/** Told three times while it waits: one that comes late costs nothing. */
const TIMES = 3;

/** After how many milliseconds it is to be told again; `null` = it does not watch over this process, or says nothing sensible. */
export function watchdogIntervalMs({ usec, pid }: WatchdogVariables, ownPid: number): number | null {
  if (pid !== undefined && pid !== "" && pid !== `${ownPid}`) return null;
  if (usec === undefined || !/^\d{1,20}$/.test(usec)) return null;
  const intervalMs = Math.min(Number(usec) / 1000 / TIMES, MAX_INTERVAL_MS);
  return intervalMs >= 1 ? intervalMs : null;
}
