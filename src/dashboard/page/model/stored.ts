/** Figures of the store (`GET /api/v1/stats`) as points of charts. */
import type { Points } from "./series-table.ts";

/** Spans that a reader may choose. */
export type SpanName = "5m" | "1h" | "1d" | "7d" | "30d";

/** Those that come from the store. */
export const STORE_SPANS: Readonly<Partial<Record<SpanName, { readonly by: string; readonly spanMs: number }>>> = {
  "1d": { by: "minute", spanMs: 86_400_000 },
  "7d": { by: "hour", spanMs: 7 * 86_400_000 },
  "30d": { by: "hour", spanMs: 30 * 86_400_000 },
};

/** What is used of an answer. */
export interface StoredTraffic {
  readonly by: "minute" | "hour" | "day" | "second" | null;
  readonly rows: readonly {
    readonly at?: string;
    readonly requests: number;
    readonly errors: number;
    readonly p50_ms: number | null;
    readonly p99_ms: number | null;
  }[];
}

const STEP_SECONDS = { second: 1, minute: 60, hour: 3600, day: 86_400 } as const;

/** Rates and latencies; nothing where nothing is known yet. */
export function trafficPoints(stored: StoredTraffic | null): { readonly traffic: Points; readonly times: Points } {
  const rows = (stored?.rows ?? []).filter(({ at }) => at !== undefined);
  const seconds = STEP_SECONDS[stored?.by ?? "minute"];
  const at = rows.map((row) => Date.parse(row.at!));
  return {
    traffic: { at, values: [rows.map((row) => row.requests / seconds), rows.map((row) => row.errors / seconds)] },
    times: { at, values: [rows.map((row) => row.p50_ms), rows.map((row) => row.p99_ms)] },
  };
}
