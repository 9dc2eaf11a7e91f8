/** A figure with its bounds on a line through zero: whether it is certain is seen at once. */

/** Shares; above zero is good. */
export function Interval({ mean, low, high }: { readonly mean: number; readonly low: number; readonly high: number }) {
  const reach = Math.max(0.02, Math.abs(low), Math.abs(high)) * 1.15;
  const x = (value: number) => 150 + (value / reach) * 145;
  return (
    <svg class="interval" viewBox="0 0 300 34" aria-hidden="true">
      <line class="axis" x1="5" x2="295" y1="17" y2="17" />
      <line class="zero" x1="150" x2="150" y1="3" y2="31" />
      <line class="range" x1={x(low)} x2={x(high)} y1="17" y2="17" />
      <circle class="mean" cx={x(mean)} cy="17" r="5.5" />
    </svg>
  );
}
