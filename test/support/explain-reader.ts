/** Reads what workers keep of requests, as the supervisor does. */

import { ApiError } from "../../src/control/admin/responses.ts";
import { ExplainNames } from "../../src/control/explain/names.ts";
import { Pieces } from "../../src/control/explain/pieces.ts";
import { ExplainResponses } from "../../src/control/explain/responses.ts";
import type { RecordedNames } from "../../src/protocol/recorded-names.ts";
import type { ExplainMemory } from "../../src/shared/memory/layout/explain.ts";

/** A server of the names. */
export function serverNamed(id: number, url: string, pool = "default"): RecordedNames["servers"][number] {
  const { hostname, port } = new URL(url);
  const place = { hostname, address: hostname, port: Number(port) };
  return { id, slot: id - 1, url, ...place, pool, weight: 1, capacity: 10, present: true };
}

/** Answers from `memory`. @param bootMs the clock of its records. */
export function explainReader(
  memory: ExplainMemory,
  names: Partial<RecordedNames>,
  { workers = 1, bootMs = () => performance.now(), wallOffsetMs = performance.timeOrigin } = {},
): ExplainResponses {
  const known = new ExplainNames();
  known.update({ servers: [], pools: [{ row: 0, name: "default" }], routes: [], ...names }, bootMs());
  return new ExplainResponses({
    memory,
    workers: () => workers,
    enabled: () => true,
    meanings: () => ({ names: known, classes: () => [], limitOf: () => null, wallOffsetMs }),
    bootMs,
    bytes: () => ({ taken: 0, limit: 0 }),
    learned: () => Promise.reject(new ApiError(404, "not_learning", "nothing is learned")),
    pieces: new Pieces(() => performance.now()),
  });
}
