/** The models of a pool, newest first. */
import { useAsked } from "../../app/asked.ts";
import { ActButton } from "../../widgets/controls.tsx";
import { type Column, Table } from "../../widgets/table.tsx";
import { Badge, Empty, Time } from "../../widgets/text.tsx";
import { orderModel } from "./acts.ts";

interface Model {
  readonly version: number;
  readonly origin: string;
  readonly status: string;
  readonly parent_version: number | null;
  readonly created_at: string | null;
  readonly promoted_at: string | null;
}

const EVERY_MS = 15_000;

/** A table. */
export function Models({ pool, champion }: { readonly pool: string; readonly champion: number | null }) {
  const { body, error } = useAsked<{ models: Model[] }>(
    `/api/v1/ml/models?limit=20&pool=${encodeURIComponent(pool)}`,
    EVERY_MS,
  );
  const models = body?.models ?? [];
  return (
    <section class="card" aria-label={`Models of pool ${pool}`}>
      <header>
        <h3>Models</h3>
      </header>
      {models.length === 0 ? (
        <Empty>{error ?? "No model of its own yet: the shipped one serves."}</Empty>
      ) : (
        <Table columns={columnsFor(pool, champion)} rows={models} keyOf={({ version }) => version} />
      )}
    </section>
  );
}

function columnsFor(pool: string, champion: number | null): readonly Column<Model>[] {
  return [
    { title: "Model", kind: "head", cell: ({ version }) => `version ${version}` },
    {
      title: "State",
      cell: ({ version, status }) => <Badge tone={version === champion ? "ok" : "idle"}>{status}</Badge>,
    },
    {
      title: "Made of",
      cell: ({ origin, parent_version }) => (
        <>
          {origin}
          {parent_version !== null && <span class="dim"> · from {parent_version}</span>}
        </>
      ),
    },
    { title: "Made", cell: ({ created_at }) => moment(created_at) },
    { title: "Promoted", cell: ({ promoted_at }) => moment(promoted_at) },
    {
      title: "Acts",
      kind: "acts",
      cell: ({ version }) => (
        <span class="row end">
          <ActButton
            class="small"
            label={`Promote model ${version}`}
            onPress={() => orderModel("promote", version, pool)}
          >
            Promote
          </ActButton>
          <ActButton
            class="small"
            label={`Reject model ${version}`}
            onPress={() => orderModel("reject", version, pool)}
          >
            Reject
          </ActButton>
        </span>
      ),
    },
  ];
}

function moment(at: string | null) {
  return at === null ? "–" : <Time ms={Date.parse(at)} />;
}
