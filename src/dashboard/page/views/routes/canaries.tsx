/** What is under trial: the pool's share, both arms side by side, and what there is to say. */
import { useAsked } from "../../app/asked.ts";
import { type CanaryArm, isLive, type ShownCanary, toneOf } from "../../model/canary.ts";
import { count, latency, percent } from "../../model/format/numbers.ts";
import { ActButton } from "../../widgets/controls.tsx";
import { type Column, Table } from "../../widgets/table.tsx";
import { Badge } from "../../widgets/text.tsx";
import { advanceCanary, endCanary, forgetCanary } from "./canary-acts.ts";

const EVERY_MS = 3_000;

/** A card; nothing while nothing is under trial. */
export function CanariesCard() {
  const { body } = useAsked<{ canaries: readonly ShownCanary[] }>("/api/v1/canaries", EVERY_MS);
  if (body === null || body.canaries.length === 0) return null;
  return (
    <section class="card" aria-labelledby="canaries">
      <header>
        <h2 id="canaries">Canaries</h2>
        <p class="end dim">pools under trial, beside those that they may replace</p>
      </header>
      <Table columns={COLUMNS} rows={body.canaries} keyOf={({ route }) => route} />
    </section>
  );
}

const COLUMNS: readonly Column<ShownCanary>[] = [
  { title: "Route", kind: "head", cell: ({ route }) => route },
  {
    title: "Under trial",
    cell: (canary) => (
      <>
        {canary.pool} {!isLive(canary) && canary.state !== "promoted" && "was at "}
        <b>{percent(canary.percent / 100)}</b> <Badge tone={toneOf(canary)}>{canary.state.replace("_", " ")}</Badge>
      </>
    ),
  },
  { title: "Its requests", kind: "number", cell: ({ arms }) => <Arm of={arms.canary} /> },
  { title: "The others'", kind: "number", cell: ({ arms }) => <Arm of={arms.stable} /> },
  { title: "What there is to say", kind: "long", cell: ({ sentence }) => sentence },
  { title: "Acts", kind: "acts", cell: (canary) => <CanaryActs of={canary} /> },
];

function Arm({ of: { requests, failed, mean_ms: mean } }: { readonly of: CanaryArm }) {
  if (requests === 0) return <span class="dim">none yet</span>;
  return (
    <>
      {count(requests)} · {percent(failed / requests)} failed · {latency(mean)}
    </>
  );
}

function CanaryActs({ of }: { readonly of: ShownCanary }) {
  const { route, state, next_step: next } = of;
  if (!isLive(of)) {
    return (
      <ActButton class="small" label={`Forget the canary on route ${route}`} onPress={() => forgetCanary(of)}>
        Forget
      </ActButton>
    );
  }
  return (
    <span class="row end">
      {state === "waiting" && next !== null && next < 100 && (
        <ActButton class="small" label={`Next step on route ${route}`} onPress={() => advanceCanary(of)}>
          Go on
        </ActButton>
      )}
      <ActButton class="small" label={`Promote the canary on route ${route}`} onPress={() => endCanary(of, "promote")}>
        Promote
      </ActButton>
      <ActButton
        class="small danger"
        label={`Roll the canary on route ${route} back`}
        onPress={() => endCanary(of, "rollback")}
      >
        Roll back
      </ActButton>
    </span>
  );
}
