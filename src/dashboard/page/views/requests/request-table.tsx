/** Requests as rows; each leads to its explanation. */
import type { RecentRequest } from "../../../../shared/explanation/recent.ts";
import { addressOf } from "../../app/router.ts";
import { latency } from "../../model/format/numbers.ts";
import { type Column, Table } from "../../widgets/table.tsx";
import { Badge, Time } from "../../widgets/text.tsx";

const COLUMNS: readonly Column<RecentRequest>[] = [
  { title: "Began", cell: ({ began_at }) => <Time ms={Date.parse(began_at)} /> },
  {
    title: "Request",
    kind: "head",
    cell: ({ request_id, method, path }) => (
      <a class="path mono" href={addressOf("requests", request_id)} title={request_id}>
        {method} {path}
      </a>
    ),
  },
  { title: "Status", cell: (request) => <Outcome of={request} /> },
  { title: "Took", kind: "number", cell: ({ duration_ms }) => latency(duration_ms) },
  { title: "Waited", kind: "number", cell: ({ waited_ms }) => (waited_ms === 0 ? "–" : latency(waited_ms)) },
  { title: "Server", cell: ({ server }) => server ?? <span class="dim">none</span> },
  { title: "Attempts", kind: "number", cell: ({ attempt_count }) => attempt_count },
];

/** Newest first, as they come. */
export function RequestTable({ requests }: { readonly requests: readonly RecentRequest[] }) {
  return <Table columns={COLUMNS} rows={requests} keyOf={({ request_id, began_at }) => `${request_id} ${began_at}`} />;
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
