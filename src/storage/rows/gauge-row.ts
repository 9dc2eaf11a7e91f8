/** What servers were like at a moment, as rows. */
import type { GaugeRow } from "../history-store.ts";
import { isAmount, isAmountOrUnknown, isCount, keptText } from "./checked.ts";
import type { RowKind } from "./row-kind.ts";

/** Of a text. */
const MAX_CHARACTERS = 512;
/** Bytes of a row beside its texts. */
const FIXED_BYTES = 150;

/** How they wait: some minutes of hundreds of servers. */
export const GAUGE_ROWS: RowKind<GaugeRow, GaugeRow> = Object.freeze({
  waitingRows: 20_000,
  waitingBytes: 8 * 1024 * 1024,
  flushMs: 1_000,
  encode: toRow,
  bytesOf: ({ pool, server, address, state }: GaugeRow) =>
    FIXED_BYTES + 2 * (pool.length + server.length + address.length + state.length),
});

function toRow(row: GaugeRow): GaugeRow | null {
  const { weight, effectiveWeight, inFlight, cpuPercent, memoryPercent } = row;
  const atMs = Math.floor(row.atMs);
  const amounts = [weight, effectiveWeight].every(isAmount) && [cpuPercent, memoryPercent].every(isAmountOrUnknown);
  if (!amounts || ![atMs, inFlight].every(isCount)) return null;
  const [pool, server, address, state] = [row.pool, row.server, row.address, row.state].map((text) =>
    keptText(text, MAX_CHARACTERS),
  );
  return { ...row, atMs, pool, server, address, state };
}
