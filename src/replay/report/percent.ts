/** Shares as a report shows them. */

/** `1.5 %`, `0.25 %`; `-` for what is not known. */
export function percent(share: number): string {
  if (!Number.isFinite(share)) return "-";
  if (share === 0) return "0 %";
  return `${(share * 100).toFixed(share < 0.01 ? 2 : 1)} %`;
}
