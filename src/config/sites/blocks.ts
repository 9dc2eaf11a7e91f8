/** What the configuration file has beside sections of settings, each described once. */
import { MAX_POOLS } from "../../shared/memory/layout/shared-memory.ts";
import { FIRST_ROUTE_NUMBER, ROUTE_NUMBERS } from "../../shared/memory/series-table.ts";
import type { BlockName } from "../file-keys.ts";
import { LISTENER } from "../listeners/shape.ts";
import { POOL } from "../pools/shape.ts";
import { MAX_RATE_LIMITS } from "../rate-limits/rate-limits.ts";
import { RATE_LIMIT, type RateLimitBlock } from "../rate-limits/shape.ts";
import { parseRateLimits } from "../rate-limits/text.ts";
import { ROUTE, ROUTE_DEFAULTS } from "../routes/shape.ts";
import { ShapeReader, type ShownLeaf } from "../shapes/read-shape.ts";
import { type Field, field, list, map, type Named, type ReadOf, type Several } from "../shapes/shape.ts";
import type { Blocks } from "../sources/source.ts";
import type { Variable } from "../sources/variable.ts";
import { Problems } from "../sources/yaml/mapping.ts";
import { shortName } from "../values/names.ts";

/** The most routes that there are numbers for. */
const MAX_ROUTES = ROUTE_NUMBERS - FIRST_ROUTE_NUMBER;

/** In the order in which they are shown. */
export const BLOCKS = {
  pools: field(
    "Sets of servers, by names of your own. Each has `servers` and, where it is to differ from the rest of the file, sections of settings of its own, which win over the environment.",
    map(shortName, POOL, MAX_POOLS),
    "",
  ),
  routes: field(
    "Which requests go where. Of those that fit, the most specific wins: the host first, then the path, the method and the header fields; the order counts last. What fits none is answered by 404.",
    list(ROUTE, { max: MAX_ROUTES }),
    "",
  ),
  route_defaults: field(
    "What every route has that has no key of that name, also the one that there is without `routes`. An empty key in a route is one without: `compression: null`.",
    ROUTE_DEFAULTS,
    "",
  ),
  listeners: field(
    "Where clients are listened for, instead of APP_PORT and TLS_PORT.",
    list(LISTENER, { max: 64 }),
    "",
  ),
  rate_limits: field(
    "How many requests may pass, by names of your own. Of several limits that a request falls under all must let it pass; else it is answered by 429, and counts for none of them.",
    map(shortName, RATE_LIMIT, MAX_RATE_LIMITS),
    "",
  ),
} as const satisfies Readonly<Record<BlockName, Field>>;

/** What was read of them. */
export type BlocksRead = {
  readonly [N in BlockName]?: ReadOf<(typeof BLOCKS)[N]["shape"]>;
};

/** Limits of one source, by name. */
type RateLimitsRead = Several<Named<RateLimitBlock>> | undefined;

/** Reads them all. @param rateLimits `RATE_LIMITS`, which says in one line what the block of that name does. */
export function readBlocks(
  blocks: Blocks | null,
  rateLimits: Variable | undefined,
): {
  readonly read: BlocksRead;
  /** Of `RATE_LIMITS`. */
  readonly limitsOfLine: RateLimitsRead;
  readonly leaves: readonly ShownLeaf[];
  readonly problems: readonly string[];
} {
  const line = readLine(rateLimits);
  if (blocks === null) return { read: {}, ...line };
  const problems = new Problems(blocks.label);
  const reader = new ShapeReader(blocks.context, problems);
  const read: Record<string, unknown> = {};
  for (const [name, value] of blocks.values) read[name] = reader.readPresent(BLOCKS[name].shape, value, name);
  return {
    read,
    limitsOfLine: line.limitsOfLine,
    leaves: [...reader.leaves, ...line.leaves],
    problems: [...problems.all(), ...line.problems],
  };
}

function readLine(variable: Variable | undefined) {
  if (variable === undefined) return { limitsOfLine: undefined, leaves: [], problems: [] };
  const problems = new Problems(variable.name);
  const reader = new ShapeReader({ lookUp: () => undefined, onReference: () => {} }, problems);
  const limitsOfLine = reader.readPresent(BLOCKS.rate_limits.shape, parseRateLimits(variable), variable.name);
  return { limitsOfLine, leaves: reader.leaves, problems: problems.all() };
}
