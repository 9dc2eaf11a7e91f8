/** A line without axes beside a number: how it came to be. */

const WIDTH = 100;
const HEIGHT = 24;

/** As wide as its place; what is unknown is left out. */
export function Sparkline({
  values,
  tone = "series-1",
}: {
  readonly values: readonly (number | null)[];
  readonly tone?: string;
}) {
  const highest = values.reduce<number>((most, value) => Math.max(most, value ?? 0), 0);
  return (
    <svg class={`sparkline ${tone}`} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      <path d={pathOf(values, highest)} vector-effect="non-scaling-stroke" />
    </svg>
  );
}

function pathOf(values: readonly (number | null)[], highest: number): string {
  let path = "";
  let pen = "M";
  const scale = highest === 0 ? 0 : (HEIGHT - 3) / highest;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value === null) {
      pen = "M";
      continue;
    }
    const x = values.length === 1 ? WIDTH : (i * WIDTH) / (values.length - 1);
    path += `${pen}${x.toFixed(1)} ${(HEIGHT - 1.5 - value * scale).toFixed(1)}`;
    pen = "L";
  }
  return path;
}
