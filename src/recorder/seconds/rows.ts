/** What is written of a second. */
import { failureCode } from "../../shared/failure-codes.ts";
import {
  DETAIL_CLIENT_BYTES,
  DETAIL_ID_BYTES,
  DETAIL_PATH_BYTES,
  DetailWord,
} from "../../shared/memory/layout/history.ts";
import { attemptsOf, failureOf, methodOf, reasonOf, statusOf } from "../../shared/memory/packed-words.ts";
import { METHODS } from "../../shared/memory/series-table.ts";
import { type MetricKey, type MetricRow, REQUEST_REASONS, type RequestRow } from "../../storage/history-store.ts";
import type { Names } from "../names.ts";
import type { Kept } from "../sampling/choose.ts";
import { type Cell, type CellKey, keyOf } from "./cell.ts";
import { OTHER, type Second } from "./second.ts";

/** Stands for a name that was never told, or that was not told apart. */
const UNKNOWN = "unknown";
const OTHERS = "other";

/** Its counts, one row for each kind. @param atMs its beginning, as rows say it. */
export function metricRows(second: Second, names: Names, atMs: number): MetricRow[] {
  // Several numbers may have one name: of a server that went and came back, or of what nobody has named.
  const named = new Map<string, { readonly key: MetricKey; readonly cell: Cell }>();
  for (const cell of second.cells()) {
    const key = { ...namesOf(cell.key, names), statusClass: cell.key.statusClass };
    const text = JSON.stringify([key.pool, key.route, key.server, key.address, key.statusClass]);
    const found = named.get(text);
    if (found === undefined) named.set(text, { key, cell });
    else found.cell.merge(cell);
  }
  return [...named.values()].map(({ key, cell }) => ({ atMs, ...key, ...cell.figures() }));
}

/** Are all names known that its rows will have? */
export function isNamed(second: Second, names: Names): boolean {
  return second.cells().every(({ key: { server, route, pool } }) => {
    const isServerKnown = server <= 0 || names.server(server) !== undefined;
    const isRouteKnown = route === OTHER || names.route(route) !== undefined;
    return isServerKnown && isRouteKnown && names.pool(pool) !== undefined;
  });
}

/** The row of a request that is kept. */
export function requestRow({ detail, weight }: Kept, names: Names): RequestRow {
  const { words } = detail;
  const floats = new Float32Array(words.buffer, words.byteOffset, words.length);
  const figures = new Float64Array(words.buffer, words.byteOffset, words.length >> 1);
  const durationMs = floats[DetailWord.DURATION];
  const [requestId, path, client] = textsOf(words);
  return {
    atMs: detail.endedMs - durationMs,
    ...namesOf(keyOf(words), names),
    method: METHODS[methodOf(words)] ?? METHODS[0],
    path,
    status: statusOf(words),
    error: failureCode(failureOf(words)),
    durationMs,
    waitMs: floats[DetailWord.WAIT],
    headMs: floats[DetailWord.HEAD],
    attempts: attemptsOf(words),
    inFlight: words[DetailWord.IN_FLIGHT],
    responseBytes: figures[DetailWord.RESPONSE_BYTES >> 1],
    requestId,
    client,
    reason: REQUEST_REASONS[reasonOf(words)],
    weight,
  };
}

function textsOf(words: Int32Array): string[] {
  const bytes = Buffer.from(words.buffer, words.byteOffset, words.byteLength);
  const lengths = words[DetailWord.LENGTHS];
  let at = DetailWord.TEXTS * 4;
  return [DETAIL_ID_BYTES, DETAIL_PATH_BYTES, DETAIL_CLIENT_BYTES].map((room, i) => {
    const length = Math.min((lengths >>> (8 * i)) & 0xff, room);
    const text = bytes.toString("latin1", at, at + length);
    at += room;
    return text;
  });
}

function namesOf(
  { server, route, pool }: CellKey,
  names: Names,
): Pick<MetricRow, "pool" | "route" | "server" | "address"> {
  const named = server > 0 ? names.server(server) : undefined;
  const nobody = server === 0 ? "" : server === OTHER ? OTHERS : UNKNOWN;
  return {
    // A pool's row may be another's by now; its servers' ids never are.
    pool: named?.pool ?? names.pool(pool) ?? UNKNOWN,
    route: route === OTHER ? OTHERS : (names.route(route) ?? UNKNOWN),
    server: named?.server ?? nobody,
    address: named?.address ?? "",
  };
}
