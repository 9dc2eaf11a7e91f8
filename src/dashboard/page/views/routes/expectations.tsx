/** What the simulator expects of the present strategy and of another on the traffic of late, before it is switched. */
import { Fragment } from "preact";
import type { Estimate, Expectations, MeasuredTraffic, StrategyExpectation } from "../../../../shared/expectations.ts";
import { useAsked } from "../../app/asked.ts";
import type { FormValues } from "../../app/changing/plan.ts";
import { topology } from "../../app/live.ts";
import { count, latency } from "../../model/format/numbers.ts";
import { type Column, Table } from "../../widgets/table.tsx";

/** Longer than the instance gives a simulation. */
const DEADLINE_MS = 60_000;
const FIGURES = [
  ["mean", "mean_ms"],
  ["p50", "p50_ms"],
  ["p99", "p99_ms"],
] as const;
type Figure = (typeof FIGURES)[number];

/** For the dialog: the present strategy beside the chosen one. */
export function expectationsOf(pool: string, present: string) {
  return (values: FormValues) => <Expected pool={pool} present={present} wanted={values.strategy ?? present} />;
}

function Expected(props: { readonly pool: string; readonly present: string; readonly wanted: string }) {
  const { pool, present, wanted } = props;
  // All of them in one answer, whatever is chosen next.
  const strategies = topology.value!.strategies.map(({ name }) => name).join(",");
  const query = new URLSearchParams({ pool, strategies });
  const { body, error } = useAsked<Expectations>(`/api/v1/expectations?${query}`, 0, DEADLINE_MS);
  return (
    <section class="preview" aria-label="What the simulator expects">
      <p class="label">What the simulator expects on the traffic of late</p>
      <div role="status" class="stack">
        {body !== null ? (
          <Found found={body} present={present} wanted={wanted} />
        ) : (
          <p class="dim">{error ?? "The traffic of the last minutes is being replayed. You need not wait for it."}</p>
        )}
      </div>
    </section>
  );
}

interface FoundProps {
  readonly found: Expectations;
  readonly present: string;
  readonly wanted: string;
}

function Found({ found, present, wanted }: FoundProps) {
  const { verdict, sentence, reasons, notes, expectations, left_out: leftOut, measured } = found;
  if (verdict !== "passed") {
    return (
      <>
        <p>{sentence}</p>
        <Sentences of={[...reasons, ...notes]} />
      </>
    );
  }
  const shown = [present, ...(wanted === present ? [] : [wanted])];
  const columns = shown.flatMap((name) => expectations.find(({ strategy }) => strategy === name) ?? []);
  const unsaid = leftOut.filter(({ strategy }) => shown.includes(strategy));
  const overloading = columns.filter(({ overloaded }) => overloaded.length > 0);
  return (
    <>
      {columns.length > 0 && <Figures columns={columns} present={present} measured={measured} />}
      {unsaid.map(({ strategy, why }) => (
        <p key={strategy}>
          Nothing is said of {strategy}: {why}
        </p>
      ))}
      {overloading.map(({ strategy, overloaded }) => (
        <p key={strategy} class="caution">
          {strategy} would send more to {overloaded.join(", ")} than that can do.
        </p>
      ))}
      <p>{sentence}</p>
      <details>
        <summary class="dim">
          Of {count(found.requests)} requests. {notes.length > 0 && "What limits these figures"}
        </summary>
        <Sentences of={notes} />
      </details>
    </>
  );
}

interface FiguresProps {
  readonly columns: readonly StrategyExpectation[];
  readonly present: string;
  readonly measured: MeasuredTraffic | null;
}

function Figures({ columns, present, measured }: FiguresProps) {
  const figure: Column<Figure> = {
    title: "Figure",
    heading: <span class="hidden">Figure</span>,
    kind: "head",
    cell: ([label]) => label,
  };
  const asMeasured: Column<Figure> = {
    title: "measured",
    kind: "number",
    cell: ([, name]) => latency(measured?.[name]),
  };
  const expected = columns.map((column): Column<Figure> => {
    const now = column.strategy === present ? " (now)" : "";
    return {
      title: `${column.strategy}${now}`,
      heading: (
        <>
          {breakable(column.strategy)}
          {now}
        </>
      ),
      kind: "number",
      cell: ([, name]) => <Range of={column[name]} />,
    };
  });
  const all = [figure, ...(measured === null ? [] : [asMeasured]), ...expected];
  return <Table columns={all} rows={FIGURES} keyOf={([, name]) => name} plain />;
}

/** Long names are broken between their words. */
function breakable(name: string) {
  return name.split("_").map((word, at) => (
    <Fragment key={word}>
      {at > 0 && (
        <>
          _<wbr />
        </>
      )}
      {word}
    </Fragment>
  ));
}

/** `null` = no time says anything. */
function Range({ of }: { readonly of: Estimate | null }) {
  if (of === null) return <>–</>;
  return (
    <>
      {latency(of.value)}
      <span class="range">
        {latency(of.low)} to {latency(of.high)}
      </span>
    </>
  );
}

function Sentences({ of }: { readonly of: readonly string[] }) {
  return (
    <ul class="dim">
      {of.map((sentence) => (
        <li key={sentence}>{sentence}</li>
      ))}
    </ul>
  );
}
