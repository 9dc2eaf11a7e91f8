/** What an operator changes of a route: which share of its requests goes to which pool. */
import { z } from "zod";
import type { RouteSpec } from "../../../protocol/route.ts";
import type { Override } from "../../../shared/operations/override.ts";
import { overrideId } from "../../../shared/operations/override-id.ts";
import type { Shares } from "../../../shared/operations/shares.ts";
import { MOST_SHARES, SHARE } from "../../../shared/ranges.ts";
import { ApiError } from "../responses.ts";
import type { Plan } from "./make-change.ts";
import { changeBody, numberIn } from "./terms.ts";

/** A change as it is sent. */
export const splitChangeSchema = changeBody({
  split: z
    .record(z.string(), numberIn(SHARE))
    .refine((shares) => Object.values(shares).some((share) => share > 0), {
      error: "must give one pool more than 0",
    })
    .refine((shares) => Object.keys(shares).length <= MOST_SHARES, { error: `names more than ${MOST_SHARES} pools` })
    .nullable()
    .describe("weights by pool, relative to each other; null = as configured"),
}).meta({ examples: [{ split: { shop: 95, "shop-next": 5 } }] });

/** A change as it was asked for. */
export type SplitChange = z.infer<typeof splitChangeSchema>;

/** The shares that a route has; throws 409 for one that forwards nothing. */
export function sharesOf({ name, action }: RouteSpec): Shares {
  if (action.kind === "forward") return Object.fromEntries(action.targets.map(({ pool, weight: of }) => [pool, of]));
  throw new ApiError(409, "no_split", `route ${name} sends nothing to a pool, so there is nothing to split`);
}

/** Throws an `ApiError`. @param overrides those in force that lie over splits. */
export function planSplit(
  route: RouteSpec,
  { split }: SplitChange,
  pools: readonly { readonly name: string; readonly usable: number }[],
  overrides: readonly Override[],
): Plan {
  const present = sharesOf(route);
  if (overrides.some(({ kind, target }) => kind === "canary" && target.route === route.name)) {
    const path = `/api/v1/routes/${encodeURIComponent(route.name)}/canary`;
    const message = `a pool is under trial on route ${route.name}, which sets its split: end that first (POST ${path}/promote or ${path}/rollback), or change its share (PATCH ${path})`;
    throw new ApiError(409, "canary_running", message);
  }
  const target = { route: route.name };
  const id = overrideId({ kind: "split", target });
  const override = overrides.find((one) => one.id === id);
  const configured = override?.kind === "split" ? override.configured : present;
  for (const name of Object.keys(split ?? {})) {
    if (pools.some((pool) => pool.name === name)) continue;
    const message = `there is no pool ${name}: there are ${pools.map((pool) => pool.name).join(", ")}`;
    const at = `split.${name}`;
    throw new ApiError(400, "invalid_body", `the body is not right: ${at}: ${message}`, {}, [{ at, message }]);
  }
  const after = split ?? configured;
  const warnings = pools
    .filter(({ name, usable }) => (after[name] ?? 0) > 0 && usable === 0)
    .map(({ name }) => `pool ${name} has no server that takes requests: what goes there gets 503`);
  return {
    action: "route.split",
    target: `the split of route ${route.name}`,
    ...(split === null ? { remove: [id] } : { set: [{ kind: "split", target, value: split }] }),
    before: present,
    after,
    present: { split: present },
    warnings,
  };
}
