/** Who changed what, why, and a way back. */
import type { AuditEntry } from "../../api/shapes.ts";
import { useAsked } from "../../app/asked.ts";
import { propose } from "../../app/changing/plan.ts";
import { servers } from "../../app/live.ts";
import { type ChangeRequest, differences } from "../../model/change.ts";
import { undoOfEntry } from "../../model/overrides.ts";
import { ActButton } from "../../widgets/controls.tsx";
import { type Column, Table } from "../../widgets/table.tsx";
import { Badge, Empty, Time } from "../../widgets/text.tsx";

const EVERY_MS = 10_000;
const MOST = 200;

interface AuditAnswer {
  readonly audit?: readonly AuditEntry[];
  readonly entries?: readonly AuditEntry[];
}

/** Newest first. */
export function Audit() {
  const { body, error } = useAsked<AuditAnswer>(`/api/v1/audit?limit=${MOST}`, EVERY_MS);
  const entries = body?.audit ?? body?.entries ?? [];
  if (entries.length === 0) {
    return (
      <section class="card">
        <Empty>{error ?? (body === null ? "Asking…" : "Nothing was changed at run time.")}</Empty>
      </section>
    );
  }
  return (
    <section class="card" aria-label="Audit">
      <Table columns={COLUMNS} rows={entries} keyOf={({ at }, i) => `${at} ${i}`} />
    </section>
  );
}

const COLUMNS: readonly Column<AuditEntry>[] = [
  { title: "When", cell: ({ at }) => <Time ms={Date.parse(at)} /> },
  {
    title: "Who",
    cell: ({ actor, instance }) => (instance ? `${actor} at ${instance}` : actor),
    hint: ({ client }) => client,
  },
  {
    title: "What",
    kind: "head",
    cell: ({ action, target, reason, kept }) => (
      <>
        <Badge tone="accent">{action}</Badge> {target}
        {reason !== "" && <p class="dim about">{reason}</p>}
        {!kept && <p class="dim about">for that run only</p>}
      </>
    ),
  },
  {
    title: "Before → after",
    kind: "long",
    cell: (entry) =>
      differences(entry.before, entry.after).map(({ name, before, after }) => (
        <p key={name}>
          {name !== "" && <span class="dim">{name}: </span>}
          {before} → <strong>{after}</strong>
        </p>
      )),
  },
  { title: "Acts", kind: "acts", cell: (entry) => <Undo of={entry} /> },
];

function Undo({ of }: { readonly of: AuditEntry }) {
  const undo = undoOfEntry(of, servers.value);
  if (undo === null) return null;
  return (
    <ActButton class="small" label={`Undo ${of.action} of ${of.target}`} onPress={() => takeBack(of, undo)}>
      Undo
    </ActButton>
  );
}

function takeBack(entry: AuditEntry, undo: ChangeRequest): void {
  propose({
    title: `Undo ${entry.action}`,
    lead: `What it changed of ${entry.target} is put back as it was before.`,
    subject: undo.path,
    request: () => undo,
    confirm: "Undo",
    done: () => `${entry.target} is as it was before.`,
  });
}
