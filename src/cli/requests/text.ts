/** Requests of late for people. */
import type { RecentRequest, RecentRequests } from "../../shared/explanation/recent.ts";
import { visible } from "../../shared/visible-text.ts";
import { columns } from "../columns.ts";

const HEAD = ["REQUEST", "BEGAN", "STATUS", "TOOK", "TRIES", "SERVER", "WHY", "ASKED"];

/** As a table, the newest first, and how far back memory goes. */
export function requestsText({ requests, memory }: RecentRequests): string {
  const { note, usual_since, failed_since } = memory;
  const since = `since ${usual_since ?? "now"}, failed and slow ones since ${failed_since ?? "now"}`;
  const table = requests.length === 0 ? "There are none." : columns([HEAD, ...requests.map(rowOf)]);
  return `${table}\n\nMemory: ${visible(since)}; ${visible(note)}`;
}

function rowOf(request: RecentRequest): string[] {
  const { request_id, began_at, status, failure, duration_ms, attempt_count, server, server_id, choice } = request;
  return [
    request_id,
    began_at,
    failure === null ? String(status) : `${status} ${failure}`,
    `${Number(duration_ms.toPrecision(3))} ms`,
    String(attempt_count),
    server ?? (server_id === null ? "-" : `server ${server_id} (gone)`),
    choice ?? "-",
    `${request.method} ${request.path}`,
  ];
}
