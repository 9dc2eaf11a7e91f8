/**
 * Logs of HAProxy by `option httplog` or `option httpslog` (configuration manual, section 8.2.3), with or without what
 * syslog puts before them, and its lines about servers that go down and come back.
 */
import type { LogFormat, LogLine } from "../log-format.ts";
import { AcceptDates } from "./accept-dates.ts";

/** client:port [date] frontend backend/server TR/Tw/Tc/Tr/Ta status bytes cookie cookie state counts/…/retries queues … "request" */
const REQUEST =
  /(?:^|\s)\S+:\d+ \[([^\]\s]{1,40})\] \S+ ([^\s/]+)\/(\S+) (-?\d+)\/(-?\d+)\/(-?\d+)\/(-?\d+)\/\+?(-?\d+) (-?\d+) \+?\d+ \S+ \S+ (\S{4}) \d+\/\d+\/\d+\/\d+\/(\+?\d+) \d+\/\d+ .*?"([^"]*)/;
const STATE = /(?:^|\s)(?:Backup )?Server ([^\s/]+)\/(\S+) is (DOWN|UP)\b/;
/** What stands in the place of a server when none was asked. */
const NO_SERVER = "<NOSRV>";

/** A reader for one log: it remembers the last minute of local time. */
export function haproxyFormat(): LogFormat {
  const dates = new AcceptDates();
  return { name: "HAProxy", read: (line, into) => read(line, into, dates) };
}

function read(line: string, into: LogLine, dates: AcceptDates): string | null {
  const match = REQUEST.exec(line);
  if (match === null) return readOther(line, into);
  const [, date, pool, server, tr, tw, tc, tresponse, ta, statusText, state, retries, request] = match;
  const receivedMs = dates.read(date);
  if (Number.isNaN(receivedMs)) return `the date is "${date}", and should be as in 29/Nov/2026:21:29:50.479`;
  const readingMs = Math.max(0, Number(tr));
  const queuedMs = Math.max(0, Number(tw));
  const totalMs = Math.max(0, Number(ta));
  const answered = Number(tc) >= 0 && Number(tresponse) >= 0;
  const status = Number(statusText);
  const [method = "", target = ""] = request.split(" ");
  into.kind = "request";
  into.pool = pool;
  into.method = method;
  into.target = target;
  into.atMs = receivedMs + readingMs;
  into.waitMs = queuedMs;
  into.latencyMs = answered ? Number(tc) + Number(tresponse) : Math.max(0, totalMs - readingMs - queuedMs);
  into.abandoned = state[0] === "C" || state[0] === "c";
  into.failed = !into.abandoned && (status >= 500 || state[0] === "S" || state[0] === "s");
  into.attempts = 1 + Number(retries);
  into.server = server;
  if (!server.startsWith("<")) return null;
  into.server = "";
  into.waitMs = totalMs;
  into.latencyMs = 0;
  // Without a server, but meant for one: none was there, or the time in the queue was over.
  const wanted = server === NO_SERVER && (state[1] === "C" || state[1] === "Q");
  if (!wanted) into.kind = "local";
  return null;
}

function readOther(line: string, into: LogLine): string | null {
  const state = STATE.exec(line);
  if (state !== null) {
    into.kind = state[3] === "UP" ? "up" : "down";
    into.pool = state[1];
    into.server = state[2];
    return null;
  }
  // A line of a request in another format has a date in brackets; everything else HAProxy says has none.
  if (/ \[\d\d\/[A-Z][a-z]{2}\/\d{4}:/.test(line)) return "it has a date, but is not in the format of option httplog";
  into.kind = "other";
  return null;
}
