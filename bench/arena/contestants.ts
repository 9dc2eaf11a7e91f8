/** The one list of contestants, and which of them take part. */
import { join } from "node:path";
import type { Contestant } from "./contestant.ts";
import { HAPROXY } from "./peers/haproxy.ts";
import { NGINX } from "./peers/nginx.ts";
import { HEDGED, HELD, ours, UNHELD } from "./peers/ours.ts";

/** What the clients could do without any proxy: each request to the server with the fewest of theirs in flight. */
export const DIRECT = "direct";

const REFERENCE: Contestant = {
  name: DIRECT,
  side: "reference",
  description:
    "no proxy: the clients themselves choose the server with the fewest requests in flight; no health checks",
  version: () => "",
  prepare: null,
  hedges: null,
};

/** Everyone who can take part, in the order of the tables. */
export const CONTESTANTS: readonly Contestant[] = [
  ...ours(join(import.meta.dir, "../..")),
  ...NGINX,
  ...HAPROXY,
  REFERENCE,
];

/** Who takes part when nobody is named: of the variants only those of the learned strategy. */
export const DEFAULT_CONTESTANTS: readonly string[] = CONTESTANTS.filter(
  ({ name }) => !(name.endsWith(HEDGED) || name.endsWith(HELD)) || name === `ml${HEDGED}`,
).map(({ name }) => name);

/** With `--quick`: the strategies that matter most, and the peers' stronger halves. */
export const QUICK_CONTESTANTS: readonly string[] = DEFAULT_CONTESTANTS.filter(
  (name) =>
    ["least_connections", "adaptive", "ml", `ml${UNHELD}`, `ml${HEDGED}`, DIRECT].includes(name) ||
    name.endsWith("-tuned") ||
    name === "nginx-least_conn",
);

/**
 * Those of the names. Throws an `Error` when one does not exist, or when one hedges and the one whose p95 it needs does not
 * take part.
 */
export function selectContestants(names: readonly string[]): Contestant[] {
  const unknown = names.filter((name) => !CONTESTANTS.some((known) => known.name === name));
  if (unknown.length > 0) {
    throw new Error(`no contestant ${unknown.join(", ")}; there are ${CONTESTANTS.map(({ name }) => name).join(", ")}`);
  }
  const selected = CONTESTANTS.filter(({ name }) => names.includes(name));
  for (const { name, hedges } of selected) {
    if (hedges !== null && !names.includes(hedges)) {
      throw new Error(`${name} hedges after the p95 of ${hedges}: name ${hedges} too`);
    }
  }
  return selected;
}

/**
 * Who runs at the same moment: at most `most` at a time, and who hedges after the one that it hedges. Strangers of every
 * side are mixed (like cards that are dealt), so that a disturbed moment does not hit one side alone.
 */
export function batchesOf(contestants: readonly Contestant[], most: number): Contestant[][] {
  const first = dealt(
    contestants.filter(({ hedges }) => hedges === null),
    most,
  );
  const second = dealt(
    contestants.filter(({ hedges }) => hedges !== null),
    most,
  );
  return [...first, ...second];
}

function dealt(contestants: readonly Contestant[], most: number): Contestant[][] {
  const hands = Math.ceil(contestants.length / most);
  return Array.from({ length: hands }, (_, hand) => contestants.filter((_, at) => at % hands === hand));
}
