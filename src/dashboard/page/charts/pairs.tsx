/** What was predicted for each server against what came of it. */
import { latency } from "../model/format/numbers.ts";
import type { ServerRow } from "../model/server-list.ts";
import { Empty } from "../widgets/text.tsx";

const SIZE = 220;
const MARGIN = 34;

/** Points over a diagonal, with the same as a list. */
export function Pairs({ rows }: { readonly rows: readonly ServerRow[] }) {
  const pairs = rows.flatMap(({ id, name, predicted, actual }) =>
    predicted === null || actual === null ? [] : [{ id, name, predicted, actual }],
  );
  if (pairs.length === 0) return <Empty>No prediction has been compared in the last seconds.</Empty>;
  const highest = Math.max(...pairs.flatMap(({ predicted, actual }) => [predicted, actual])) * 1.1;
  const x = (value: number) => MARGIN + (value / highest) * (2 * SIZE - MARGIN - 8);
  const y = (value: number) => SIZE - MARGIN / 1.6 - (value / highest) * (SIZE - MARGIN);
  return (
    <figure class="pairs" aria-label={`Predicted and actual latency of ${pairs.length} servers`}>
      <svg viewBox={`0 0 ${2 * SIZE} ${SIZE}`} aria-hidden="true">
        <line class="pair-line" x1={x(0)} y1={y(0)} x2={x(highest)} y2={y(highest)} />
        {pairs.map(({ id, name, predicted, actual }) => (
          <circle key={id} cx={x(predicted)} cy={y(actual)} r="4.5">
            <title>{`${name}: predicted ${latency(predicted)}, came ${latency(actual)}`}</title>
          </circle>
        ))}
        <text x={2 * SIZE - 4} y={SIZE - 4} text-anchor="end">
          predicted → {latency(highest)}
        </text>
        <text x="2" y="10">
          came ↑ {latency(highest)}
        </text>
      </svg>
      <ul class="hidden">
        {pairs.slice(0, 30).map(({ id, name, predicted, actual }) => (
          <li key={id}>
            {name}: predicted {latency(predicted)}, came {latency(actual)}
          </li>
        ))}
      </ul>
    </figure>
  );
}
