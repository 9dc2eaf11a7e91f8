/** What the simulator expects of strategies on the traffic of late, before one is chosen. */
import type { Estimate, Expectation } from "../../api/shapes.ts";
import { useAsked } from "../../app/asked.ts";
import type { FormValues } from "../../app/changing/plan.ts";
import { latency } from "../../model/format/numbers.ts";

interface ExpectationsAnswer {
  readonly expectations?: readonly Expectation[];
  readonly strategies?: readonly Expectation[];
  readonly note?: string;
  readonly sentence?: string;
}

/** For the dialog: the present strategy beside the chosen one. */
export function expectationsOf(pool: string, present: string) {
  return (values: FormValues) => <Expectations pool={pool} present={present} wanted={values.strategy ?? present} />;
}

function Expectations(props: { readonly pool: string; readonly present: string; readonly wanted: string }) {
  const { pool, present, wanted } = props;
  const query = new URLSearchParams({ pool, strategies: [...new Set([present, wanted])].join(",") });
  const { body, error, status } = useAsked<ExpectationsAnswer>(`/api/v1/expectations?${query}`);
  const rows = body?.expectations ?? body?.strategies ?? [];
  return (
    <section class="preview" aria-label="What the simulator expects">
      <p class="label">What the simulator expects on the traffic of late</p>
      {error !== null ? (
        <p class="dim">{status === 404 ? "This instance does not simulate." : error}</p>
      ) : body === null ? (
        <p class="dim">Replaying the traffic of the last minutes…</p>
      ) : (
        <table class="table plain">
          <thead>
            <tr>
              <th scope="col">Strategy</th>
              <th scope="col" class="num">
                mean
              </th>
              <th scope="col" class="num">
                p50
              </th>
              <th scope="col" class="num">
                p99
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ strategy, mean_ms, p50_ms, p99_ms }) => (
              <tr key={strategy}>
                <th scope="row">{strategy === present ? `${strategy} (now)` : strategy}</th>
                <td class="num">{estimate(mean_ms)}</td>
                <td class="num">{estimate(p50_ms)}</td>
                <td class="num">{estimate(p99_ms)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {(body?.note ?? body?.sentence) !== undefined && <p class="dim">{body?.note ?? body?.sentence}</p>}
    </section>
  );
}

function estimate(of: Estimate | null | undefined): string {
  if (of === null || of === undefined) return "–";
  if (typeof of === "number") return latency(of);
  return `${latency(of.value)} (${latency(of.low)} – ${latency(of.high)})`;
}
