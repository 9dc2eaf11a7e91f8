/** Access logs of nginx in one of the two formats of docs/replay.md: JSON, or the combined format with fields behind it. */
import type { LogFormat, LogLine } from "../log-format.ts";
import { attemptsOf, isServerAddress, secondsAsMs } from "./attempts.ts";
import { fieldsOf, type NginxFields } from "./fields.ts";

/** A client that left before the response (nginx's own status). */
const CLIENT_CLOSED = 499;

/** Lines in either format: each line says which. */
export const NGINX_FORMAT: LogFormat = { name: "nginx", read };

function read(line: string, into: LogLine): string | null {
  const fields = fieldsOf(line);
  if (typeof fields === "string") return fields;
  const endMs = secondsAsMs(fields.msec);
  if (Number.isNaN(endMs)) return missing("$msec", fields.msec);
  const durationMs = secondsAsMs(fields.requestTime);
  if (Number.isNaN(durationMs)) return missing("$request_time", fields.requestTime);
  if (!/^\d{3}$/.test(fields.status)) return missing("$status", fields.status);
  const status = Number(fields.status);
  into.atMs = endMs - durationMs;
  into.pool = fields.upstream;
  into.method = fields.method;
  into.target = fields.target;
  return readAttempts(fields, status, durationMs, into);
}

function readAttempts(fields: NginxFields, status: number, durationMs: number, into: LogLine): string | null {
  const addresses = attemptsOf(fields.upstreamAddr);
  if (addresses.length === 0) {
    into.kind = "local";
    return null;
  }
  into.kind = "request";
  const times = attemptsOf(fields.upstreamResponseTime);
  if (times.length !== addresses.length) {
    return `$upstream_addr has ${addresses.length} attempts, $upstream_response_time ${times.length}: "${fields.upstreamAddr}", "${fields.upstreamResponseTime}"`;
  }
  const last = addresses.findLastIndex(isServerAddress);
  const headTimes = attemptsOf(fields.upstreamHeaderTime);
  const statuses = attemptsOf(fields.upstreamStatus);
  let waitMs = 0;
  for (let i = 0; i < last; i++) waitMs += secondsAsMs(times[i]) || 0;
  into.server = last < 0 ? "" : addresses[last];
  into.attempts = addresses.filter(isServerAddress).length || 1;
  into.waitMs = last < 0 ? durationMs : waitMs;
  const headMs = secondsAsMs(headTimes[last] ?? "");
  const tookMs = firstNumber(headMs, secondsAsMs(times[last] ?? ""), durationMs - waitMs);
  into.latencyMs = last < 0 ? 0 : Math.max(0, tookMs);
  // Whoever left after the response had begun had a response: the end of it is not what is looked at.
  into.abandoned = status === CLIENT_CLOSED && Number.isNaN(headMs);
  into.failed = status !== CLIENT_CLOSED && (last < 0 || status >= 500 || Number(statuses[last]) >= 500);
  return null;
}

function firstNumber(...values: readonly number[]): number {
  return values.find((value) => !Number.isNaN(value))!;
}

function missing(variable: string, value: string): string {
  return value === "" || value === "-" ? `it does not say ${variable}` : `${variable} is "${value}"`;
}
