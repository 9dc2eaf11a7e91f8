/**
 * What workers may ask the control process for: one of a few questions that are known here. Nothing of what a client sends goes
 * on; it only decides which of them it is.
 */
import { ReservedPath } from "../../shared/reserved-paths.ts";
import {
  CONTENT_TYPES,
  FORMAT_NAMES,
  preferredFormat,
  prefersGzip,
} from "../../telemetry/metrics/formats/negotiation.ts";
import type { MessageHead } from "../http1/head.ts";
import { fieldText } from "../http1/header-text.ts";

/** One of the questions; each is one object, so that they can be told apart by it. */
export interface AdminQuery {
  readonly path: string;
  readonly accept: string;
  readonly encoding: "gzip" | "identity";
}

const ACCEPT = Buffer.from("accept");
const ACCEPT_ENCODING = Buffer.from("accept-encoding");

/** The list of servers. */
export const SERVERS_QUERY: AdminQuery = {
  path: ReservedPath.SERVERS,
  accept: "application/json",
  encoding: "identity",
};

/** By format; plain, then compressed. */
const METRICS_QUERIES = FORMAT_NAMES.map((format) =>
  (["identity", "gzip"] as const).map(
    (encoding): AdminQuery => ({ path: ReservedPath.METRICS, accept: CONTENT_TYPES[format], encoding }),
  ),
);

/** The metrics in the format that a request asks for. */
export function metricsQuery(bytes: Buffer, head: MessageHead): AdminQuery {
  const format = FORMAT_NAMES.indexOf(preferredFormat(fieldText(bytes, head, ACCEPT)));
  return METRICS_QUERIES[format][prefersGzip(fieldText(bytes, head, ACCEPT_ENCODING)) ? 1 : 0];
}
