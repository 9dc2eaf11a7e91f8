/** Requests as rows; each leads to its explanation. */
import type { RecentRequest } from "../../../../shared/explanation/recent.ts";
import { addressOf } from "../../app/router.ts";
import { latency } from "../../model/format/numbers.ts";
import { Badge, Time } from "../../widgets/text.tsx";

/** Newest first, as they come. */
export function RequestTable({ requests }: { readonly requests: readonly RecentRequest[] }) {
  return (
    <div class="scroll">
      <table class="table">
        <thead>
          <tr>
            <th scope="col">Began</th>
            <th scope="col">Request</th>
            <th scope="col">Status</th>
            <th scope="col" class="num">
              Took
            </th>
            <th scope="col" class="num">
              Waited
            </th>
            <th scope="col">Server</th>
            <th scope="col" class="num">
              Attempts
            </th>
          </tr>
        </thead>
        <tbody>
          {requests.map((request) => (
            <tr key={`${request.request_id} ${request.began_at}`}>
              <td>
                <Time ms={Date.parse(request.began_at)} />
              </td>
              <th scope="row" class="path">
                <a class="clip mono" href={addressOf("requests", request.request_id)} title={request.request_id}>
                  {request.method} {request.path}
                </a>
              </th>
              <td>
                <Outcome of={request} />
              </td>
              <td class="num">{latency(request.duration_ms)}</td>
              <td class="num">{request.waited_ms === 0 ? "–" : latency(request.waited_ms)}</td>
              <td>{request.server ?? <span class="dim">none</span>}</td>
              <td class="num">{request.attempt_count}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Status, and what went wrong. */
export function Outcome({ of }: { readonly of: Pick<RecentRequest, "status" | "failure" | "kept_as"> }) {
  const tone =
    of.failure !== null || of.status >= 500 ? "bad" : of.status >= 400 ? "warn" : of.kept_as === "slow" ? "info" : "ok";
  return (
    <Badge tone={tone}>
      {of.status === 0 ? "–" : of.status}
      {of.failure !== null && ` ${of.failure}`}
    </Badge>
  );
}
