/** Certificates and for how long they are still good. */
import type { LiveTopology } from "../../../../shared/live/topology.ts";
import { nowMs, topology } from "../../app/live.ts";
import { duration } from "../../model/format/times.ts";
import { type Column, Table } from "../../widgets/table.tsx";
import { Badge, Time } from "../../widgets/text.tsx";

const DAY_MS = 86_400_000;

const COLUMNS: readonly Column<LiveTopology["certificates"][number]>[] = [
  { title: "Name", kind: "head", cell: ({ name }) => name },
  { title: "State", cell: ({ expires }) => <TimeLeft ms={expires - nowMs.value} /> },
  { title: "Good until", cell: ({ expires }) => <Time ms={expires} /> },
];

/** Nothing where there is none. */
export function Certificates() {
  const { certificates } = topology.value!;
  if (certificates.length === 0) return null;
  return (
    <section class="card" aria-labelledby="certificates">
      <header>
        <h2 id="certificates">Certificates</h2>
      </header>
      <Table columns={COLUMNS} rows={certificates} keyOf={({ name }) => name} />
    </section>
  );
}

function TimeLeft({ ms }: { readonly ms: number }) {
  return (
    <Badge tone={ms < 0 ? "bad" : ms < 14 * DAY_MS ? "warn" : "ok"}>
      {ms < 0 ? "has ended" : `${duration(ms)} left`}
    </Badge>
  );
}
