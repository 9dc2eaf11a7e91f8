/** Certificates: for how long they are still good, and how those by ACME stand. */
import type { ShownAcme, ShownCertificate } from "../../api/shapes.ts";
import { useAsked } from "../../app/asked.ts";
import { propose } from "../../app/changing/plan.ts";
import { nowMs } from "../../app/live.ts";
import { duration } from "../../model/format/times.ts";
import { ActButton } from "../../widgets/controls.tsx";
import { type Column, Table } from "../../widgets/table.tsx";
import { Badge, Empty, Time } from "../../widgets/text.tsx";

const DAY_MS = 86_400_000;
const EVERY_MS = 10_000;

const COLUMNS: readonly Column<ShownCertificate>[] = [
  { title: "Name", kind: "head", cell: ({ name }) => name },
  { title: "State", cell: (one) => <Standing of={one} /> },
  {
    title: "Good until",
    cell: ({ expires_at: end }) =>
      end === null ? <span class="dim">there is none yet</span> : <Time ms={Date.parse(end)} />,
  },
  { title: "Comes from", cell: ({ acme }) => (acme === null ? "a file" : `ACME, ${acme.challenge}`) },
  { title: "How it stands", kind: "long", cell: ({ acme }) => acme !== null && <Renewal of={acme} /> },
  {
    title: "Acts",
    kind: "acts",
    cell: ({ name, acme }) =>
      acme !== null && (
        <ActButton class="small" label={`Renew the certificate of ${name}`} onPress={() => renew(name)}>
          Renew
        </ActButton>
      ),
  },
];

/** Nothing where there is none. */
export function Certificates() {
  const { body, error } = useAsked<{ certificates: ShownCertificate[] }>("/api/v1/certificates", EVERY_MS);
  if (body === null ? error === null : body.certificates.length === 0) return null;
  return (
    <section class="card" aria-labelledby="certificates">
      <header>
        <h2 id="certificates">Certificates</h2>
      </header>
      {body === null ? (
        <Empty>{error}</Empty>
      ) : (
        <Table columns={COLUMNS} rows={body.certificates} keyOf={({ name }, i) => `${name} ${i}`} />
      )}
    </section>
  );
}

function Standing({ of: { expires_at: end, acme } }: { readonly of: ShownCertificate }) {
  const leftMs = end === null ? null : Date.parse(end) - nowMs.value;
  return (
    <span class="row">
      {leftMs !== null && (
        <Badge tone={leftMs < 0 ? "bad" : leftMs < 14 * DAY_MS ? "warn" : "ok"}>
          {leftMs < 0 ? "has ended" : `${duration(leftMs)} left`}
        </Badge>
      )}
      {acme?.state === "failing" && <Badge tone="bad">failing</Badge>}
      {acme?.state === "ordering" && <Badge tone="info">is asked for</Badge>}
    </span>
  );
}

function Renewal({ of: { state, next_try_at: next, failures, last_error: error } }: { readonly of: ShownAcme }) {
  return (
    <>
      {state !== "ordering" && next !== null && (
        <span>
          {failures === 0 ? "Next renewal" : "Next try"} <Time ms={Date.parse(next)} />
        </span>
      )}
      {error !== null && (
        <p class="dim about">
          {failures > 1 && `${failures} tries in a row have failed. `}
          <Time ms={Date.parse(error.at)} />: {error.message}
        </p>
      )}
    </>
  );
}

function renew(name: string): void {
  propose({
    title: `Renew the certificate of ${name}`,
    lead: "A new one is asked for by ACME, now. CAs count: a name may be asked for a few times a week.",
    subject: null,
    noTrial: true,
    request: () => ({ method: "POST", path: `/api/v1/certificates/${encodeURIComponent(name)}/renew`, body: {} }),
    confirm: "Renew",
    done: () => `A certificate for ${name} is asked for.`,
    undo: () => null,
    final: "a CA that has been asked cannot be asked less.",
  });
}
