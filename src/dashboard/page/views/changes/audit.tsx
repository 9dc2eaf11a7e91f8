/** Who changed what, why, and a way back. */
import type { AuditEntry } from "../../api/shapes.ts";
import { useAsked } from "../../app/asked.ts";
import { propose } from "../../app/changing/plan.ts";
import { servers } from "../../app/live.ts";
import { type ChangeRequest, differences } from "../../model/change.ts";
import { undoOfEntry } from "../../model/overrides.ts";
import { ActButton } from "../../widgets/controls.tsx";
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
    <section class="card scroll" aria-label="Audit">
      <table class="table">
        <thead>
          <tr>
            <th scope="col">When</th>
            <th scope="col">Who</th>
            <th scope="col">What</th>
            <th scope="col">Before → after</th>
            <th scope="col">
              <span class="hidden">Acts</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {entries.map((entry, i) => (
            <Row key={`${entry.at} ${i}`} entry={entry} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Row({ entry }: { readonly entry: AuditEntry }) {
  const undo = undoOfEntry(entry, servers.value);
  return (
    <tr>
      <td>
        <Time ms={Date.parse(entry.at)} />
      </td>
      <td title={entry.client}>{entry.actor}</td>
      <th scope="row" class="wrap">
        <Badge tone="accent">{entry.action}</Badge> {entry.target}
        {entry.reason !== "" && <p class="dim about">{entry.reason}</p>}
        {!entry.kept && <p class="dim about">for that run only</p>}
      </th>
      <td class="wrap">
        {differences(entry.before, entry.after).map(({ name, before, after }) => (
          <p key={name}>
            {name !== "" && <span class="dim">{name}: </span>}
            {before} → <strong>{after}</strong>
          </p>
        ))}
      </td>
      <td class="num">
        {undo !== null && (
          <ActButton
            class="small"
            label={`Undo ${entry.action} of ${entry.target}`}
            onPress={() => takeBack(entry, undo)}
          >
            Undo
          </ActButton>
        )}
      </td>
    </tr>
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
