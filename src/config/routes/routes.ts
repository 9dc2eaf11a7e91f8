/** From what the file says of routes to all of them, and what they have to do with each other and with the pools. */
import { MIRROR_ROWS } from "../../shared/memory/mirror-table.ts";
import type { RouteConfig, RouteDefaults } from "../config.ts";
import type { Sections } from "../schema.ts";
import type { ShapeFindings } from "../shapes/findings.ts";
import type { Leaf, Several } from "../shapes/shape.ts";
import { unknownName } from "../suggest.ts";
import { combinationsOf, countCombinations, isReserved, uniqueNames } from "./match.ts";
import { readRoute } from "./route.ts";
import type { RouteBlock } from "./shape.ts";

/** What one route may come to: each is a place in the table of routes. */
const MAX_COMBINATIONS = 10_000;
/** Looking for routes that can never match ends here. */
const MAX_COMPARED = 100_000;

/** Routes, and what each was read from. */
export interface RoutesRead {
  readonly routes: readonly RouteConfig[];
  readonly blocks: readonly RouteBlock[];
}

/** @param pools names of those that there are; `null` = nobody can tell, because of what is wrong with them. */
export function readRoutes(
  { entries, written, ...list }: Several<RouteBlock>,
  sections: Pick<Sections, "app" | "tls">,
  defaults: RouteDefaults,
  pools: readonly string[] | null,
  findings: ShapeFindings,
): RoutesRead {
  if (written === 0) findings.problem(list, "has no routes, so nothing would be answered: remove it, or add some");
  const read = entries.flatMap((block) => {
    for (const pool of poolsNamed(block)) {
      if (pools?.includes(pool.value) === false) findings.problem(pool, unknownName(pool.value, pools, "pool"));
    }
    const route = readRoute(block, sections, defaults, findings);
    return route === null ? [] : [{ block, route }];
  });
  checkNames(entries, findings);
  const names = uniqueNames(read.map(({ route }) => route));
  const routes = read.map(({ route }, index): RouteConfig => ({ ...route, name: names[index] }));
  const blocks = read.map(({ block }) => block);
  findShadowed(routes, blocks, findings);
  const mirrors = blocks.filter(({ fields }) => fields.mirror !== undefined);
  if (mirrors.length > MIRROR_ROWS) {
    findings.problem(mirrors[MIRROR_ROWS], `is one too many that mirrors: at most ${MIRROR_ROWS} routes may`);
  }
  return { routes, blocks };
}

/** Every place in it that names a pool. */
export function poolsNamed({ fields }: RouteBlock): readonly Leaf<string>[] {
  const { pool, split, mirror, forward_auth: auth } = fields;
  const named = [
    pool,
    ...(split?.entries ?? []).map((share) => share.fields.pool),
    mirror?.fields.pool,
    auth?.fields.pool,
  ];
  return named.filter((leaf) => leaf !== undefined);
}

function checkNames(blocks: readonly RouteBlock[], findings: ShapeFindings): void {
  const first = new Map<string, Leaf<string>>();
  for (const { fields } of blocks) {
    const { name } = fields;
    if (name === undefined) continue;
    const other = first.get(name.value);
    if (other !== undefined)
      findings.problem(name, `is the name of ${other.path} already (${other.place}): choose another`);
    else first.set(name.value, name);
    if (isReserved(name.value)) findings.problem(name, `is a name that metrics use for something else: choose another`);
  }
}

/** Of routes that take exactly the same the first takes it all. */
function findShadowed(routes: readonly RouteConfig[], blocks: readonly RouteBlock[], findings: ShapeFindings): void {
  const takenBy = new Map<string, string>();
  for (const [index, { name, match }] of routes.entries()) {
    const count = countCombinations(match);
    if (count > MAX_COMBINATIONS) {
      findings.problem(
        blocks[index],
        `fits ${count} combinations of host, path and method; the most is ${MAX_COMBINATIONS}: make several routes of it`,
      );
      continue;
    }
    if (takenBy.size + count > MAX_COMPARED) continue;
    const all = combinationsOf(match);
    const others = new Set(all.map((one) => takenBy.get(one)));
    if (!others.has(undefined)) {
      findings.warning(blocks[index], `never gets a request: ${[...others].join(" and ")} above takes the same`);
    }
    for (const one of all) if (!takenBy.has(one)) takenBy.set(one, name);
  }
}
