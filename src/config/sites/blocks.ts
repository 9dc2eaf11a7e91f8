/** What the configuration file has beside sections of settings, each described once. */
import { MAX_POOLS } from "../../shared/memory/layout/shared-memory.ts";
import { FIRST_ROUTE_NUMBER, ROUTE_NUMBERS } from "../../shared/memory/series-table.ts";
import type { BlockName } from "../file-keys.ts";
import { LISTENER } from "../listeners/shape.ts";
import { POOL } from "../pools/shape.ts";
import { ROUTE, ROUTE_DEFAULTS } from "../routes/shape.ts";
import { ShapeReader, type ShownLeaf } from "../shapes/read-shape.ts";
import { type Field, field, list, map, type ReadOf } from "../shapes/shape.ts";
import type { Blocks } from "../sources/source.ts";
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
} as const satisfies Readonly<Record<BlockName, Field>>;

/** What was read of them. */
export type BlocksRead = {
  readonly [N in BlockName]?: ReadOf<(typeof BLOCKS)[N]["shape"]>;
};

/** Reads them all. */
export function readBlocks(blocks: Blocks | null): {
  readonly read: BlocksRead;
  readonly leaves: readonly ShownLeaf[];
  readonly problems: readonly string[];
} {
  if (blocks === null) return { read: {}, leaves: [], problems: [] };
  const problems = new Problems(blocks.label);
  const reader = new ShapeReader(blocks.context, problems);
  const read: Record<string, unknown> = {};
  for (const [name, value] of blocks.values) read[name] = reader.readPresent(BLOCKS[name].shape, value, name);
  return { read, leaves: reader.leaves, problems: problems.all() };
}
