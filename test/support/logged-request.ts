/** A request as the access log is told of it, for tests. */
import { FixedText } from "../../src/proxy/http1/fixed-text.ts";
import type { LoggedOutcome, LoggedRequest } from "../../src/proxy/record/access-log/logged.ts";
import { Method } from "../../src/shared/memory/series-table.ts";

/** A GET of `target` with these fields. */
export function loggedRequest(
  target: string,
  { host = "", userAgent = "", referer = "" } = {},
  more: Partial<LoggedRequest> = {},
): LoggedRequest {
  const parts = [`GET ${target} HTTP/1.1\r\nHost: `, host, "\r\nUser-Agent: ", userAgent, "\r\nReferer: ", referer];
  const ends: number[] = [];
  const headBuffer = Buffer.concat(
    parts.map((part, i) => {
      const bytes = Buffer.from(part);
      ends[i] = (ends[i - 1] ?? 0) + bytes.length;
      return bytes;
    }),
  );
  const ids = Buffer.from("r".repeat(32) + "t".repeat(32) + "s".repeat(16));
  return {
    headBuffer,
    methodStart: 0,
    methodEnd: 3,
    targetStart: 4,
    targetEnd: 4 + Buffer.byteLength(target),
    hostStart: ends[0],
    hostEnd: ends[1],
    userAgentStart: ends[2],
    userAgentEnd: ends[3],
    refererStart: ends[4],
    refererEnd: ends[5],
    method: Method.GET,
    protocol: Buffer.from("HTTP/1.1"),
    limitedBy: null,
    tlsVersion: null,
    requestIdBuffer: ids,
    requestIdStart: 0,
    requestIdEnd: 32,
    traceIdBuffer: ids,
    traceIdStart: 32,
    spanIdBuffer: ids,
    spanIdStart: -1,
    traced: true,
    sampled: false,
    sampledFlag: false,
    clientAddress: Buffer.from("1.2.3.4"),
    certificate: null,
    labels: null,
    ...more,
  };
}

/** It went well. */
export const LOGGED_OUTCOME: LoggedOutcome = Object.freeze({
  status: 200,
  serverId: 3,
  upstream: new FixedText("10.0.0.3:80"),
  responseBytes: 12,
  attempts: 1,
  waitMs: 0,
  connectMs: 0,
  headMs: 0.5,
  grpcStatus: -1,
  failure: null,
});
