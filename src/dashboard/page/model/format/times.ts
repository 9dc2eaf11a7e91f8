/** Times for people: ISO 8601 in the reader's own zone, and in UTC where one asks. */
import { plural } from "./numbers.ts";

/** `14:03:22` in the reader's zone. */
export function clock(ms: number): string {
  const at = new Date(ms);
  return [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(":");
}

/** `2026-11-30 14:03:22` in the reader's zone. */
export function dateTime(ms: number): string {
  return `${date(ms)} ${clock(ms)}`;
}

/** `2026-11-30` in the reader's zone. */
export function date(ms: number): string {
  const at = new Date(ms);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

/** The clock today, with the date on any other day. */
export function shortTime(ms: number, nowMs: number): string {
  return date(ms) === date(nowMs) ? clock(ms) : dateTime(ms).slice(0, 16);
}

/** `2026-11-30T13:03:22.120Z UTC`: what a tooltip says. */
export function inUtc(ms: number): string {
  return Number.isFinite(ms) ? `${new Date(ms).toISOString()} (UTC)` : "unknown";
}

/** How long: `4 s`, `3 min`, `2 h 5 min`, `3 d 4 h`. @param ms below zero = 0. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return minutes < 5 && seconds % 60 !== 0 ? `${minutes} min ${seconds % 60} s` : `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  const days = Math.floor(hours / 24);
  return hours % 24 === 0 ? `${days} d` : `${days} d ${hours % 24} h`;
}

/** As `duration`, in words for screen readers: `3 minutes`. */
export function spokenDuration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return plural(seconds, "second");
  if (seconds < 7200) return plural(Math.round(seconds / 60), "minute");
  return plural(Math.round(seconds / 3600), "hour");
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}
