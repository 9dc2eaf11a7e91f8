/** Numbers as people read them. */

/** Milliseconds with two or three significant digits and a unit; a dash for unknown. */
export function formatMs(ms: number | null): string {
  if (ms === null || Number.isNaN(ms)) return "–";
  if (ms >= 9995) return `${(ms / 1000).toFixed(0)} s`;
  if (ms >= 999.5) return `${(ms / 1000).toFixed(1)} s`;
  return ms >= 9.95 ? `${ms.toFixed(0)} ms` : `${ms.toFixed(1)} ms`;
}

/** A share (0 … 1) in percent; a dash for unknown. */
export function formatShare(share: number | null): string {
  return share === null || Number.isNaN(share) ? "–" : `${(share * 100).toFixed(0)} %`;
}

/** A count with thousands separated. */
export function formatCount(count: number): string {
  return Math.round(count).toLocaleString("en-US");
}

/** Elapsed time as minutes and seconds: `0:07`, `12:34`. */
export function formatElapsed(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
