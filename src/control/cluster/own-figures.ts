/** What an instance says of itself to the others beside its name: figures for people, by the names that the admin API has for them. */
import type { Fleet } from "../fleet/fleet.ts";

/** Names of the figures. What others say is read by these, and may lack any. */
export const MEMBER_FIGURES = ["servers", "down", "ejected", "in_flight", "requests_per_second"] as const;
/** One of them. */
export type MemberFigure = (typeof MEMBER_FIGURES)[number];

/** A server of this instance's configuration. */
type OwnServer = Pick<ReturnType<Fleet["present"]>[number], "ownVerdict" | "inFlight" | "windows">;

/** Over what `requests_per_second` goes, seconds: as `ServerWindows.recentAttempts`. */
const RECENT_SECONDS = 10;

/** The figures of this instance: its own views and its own requests. */
export function ownFigures(servers: Iterable<OwnServer>): Record<MemberFigure, number> {
  const figures = { servers: 0, down: 0, ejected: 0, in_flight: 0, requests_per_second: 0 };
  for (const { ownVerdict, inFlight, windows } of servers) {
    figures.servers++;
    if (ownVerdict !== "up") figures[ownVerdict]++;
    figures.in_flight += Math.max(0, inFlight);
    figures.requests_per_second += windows.recentAttempts / RECENT_SECONDS;
  }
  figures.requests_per_second = Math.round(figures.requests_per_second * 10) / 10;
  return figures;
}
