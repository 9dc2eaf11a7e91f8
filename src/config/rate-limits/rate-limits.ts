/** From what the file and `RATE_LIMITS` say of limits to the limits, and what they have to do with routes and pools. */
import type { RateLimitQuota, RateLimitSpec } from "../../protocol/rate-limit.ts";
import type { ShapeFindings } from "../shapes/findings.ts";
import type { Leaf, Named, Several } from "../shapes/shape.ts";
import { unknownName } from "../suggest.ts";
import type { RateLimitBlock } from "./shape.ts";
import { RATE_LIMIT_BOUNDS, sharedBurstComplaint } from "./values.ts";

/** The most limits of one instance. */
export const MAX_RATE_LIMITS = 64;

/** What limits may name; `null` = nobody can tell, because of what is wrong there. */
export interface LimitedNames {
  /** There is a Redis to count in. */
  readonly redis: boolean;
  readonly routes: readonly string[] | null;
  readonly pools: readonly string[] | null;
}

/** All limits, in order. @param lists of the file and of the environment: a name may stand in one of them. */
export function readRateLimits(
  lists: readonly (Several<Named<RateLimitBlock>> | undefined)[],
  names: LimitedNames,
  findings: ShapeFindings,
): readonly RateLimitSpec[] {
  const entries = lists.flatMap((list) => list?.entries ?? []);
  const first = new Map<string, Named<RateLimitBlock>>();
  const limits = entries.flatMap((entry) => {
    const other = first.get(entry.name);
    if (other !== undefined)
      findings.problem(entry, `is there already (${other.place}): give one of them another name`);
    else first.set(entry.name, entry);
    return readRateLimit(entry, names, findings) ?? [];
  });
  if (entries.length > MAX_RATE_LIMITS) {
    findings.problem(entries[MAX_RATE_LIMITS], `is one too many: at most ${MAX_RATE_LIMITS} limits may be`);
  }
  return limits;
}

function readRateLimit(
  { name, value: block }: Named<RateLimitBlock>,
  names: LimitedNames,
  findings: ShapeFindings,
): RateLimitSpec | null {
  const { fields, said } = block;
  const quota = readQuota(block, findings);
  for (const route of fields.routes?.entries ?? []) checkName(route, names.routes, "route", findings);
  for (const pool of fields.pools?.entries ?? []) checkName(pool, names.pools, "pool", findings);
  for (const key of ["key", "routes", "pools", "clients", "exempt"] as const) {
    const list = fields[key];
    if (list?.written === 0) findings.problem(list, "is empty: remove it, or write some");
  }
  const key = values(fields.key);
  const addresses = [fields.ipv4_prefix, fields.ipv6_prefix].filter((prefix) => prefix !== undefined);
  // A request without the field or the cookie is told apart by its client's address.
  if (said.has("key") && key.every(({ kind }) => kind === "route" || kind === "pool")) {
    for (const prefix of addresses) findings.problem(prefix, "has no effect: the key has no address in it");
  }
  const concurrent = quota?.kind === "concurrent";
  if (concurrent && fields.when_full?.value === "forget") {
    findings.problem(
      fields.when_full,
      "cannot be forget: requests that are under way cannot be forgotten; choose allow or refuse",
    );
  }
  if (fields.shared?.value === true) {
    if (!names.redis) findings.problem(fields.shared, "needs REDIS_ADDR: there the instances count together");
    const complaint = quota === null ? null : sharedBurstComplaint(quota);
    if (complaint !== null) findings.problem(fields.burst ?? block, complaint);
  } else {
    for (const one of [fields.advance, fields.when_away]) {
      if (one !== undefined) findings.problem(one, "has no effect without shared: on");
    }
  }
  if (quota === null) return null;
  return {
    name,
    mode: fields.mode?.value ?? "enforce",
    quota,
    key,
    routes: values(fields.routes),
    pools: values(fields.pools),
    clients: values(fields.clients),
    exempt: values(fields.exempt),
    ipv4Prefix: fields.ipv4_prefix?.value ?? 32,
    ipv6Prefix: fields.ipv6_prefix?.value ?? 64,
    maxKeys: 2 ** Math.ceil(Math.log2(fields.max_keys?.value ?? 65_536)),
    whenFull: fields.when_full?.value ?? (concurrent ? "allow" : "forget"),
    fields: fields.fields?.value ?? true,
    shared:
      fields.shared?.value === true
        ? { whenAway: fields.when_away?.value ?? "local", advancePercent: fields.advance?.value ?? 10 }
        : null,
  };
}

function readQuota(block: RateLimitBlock, findings: ShapeFindings): RateLimitQuota | null {
  const { rate, burst, concurrent } = block.fields;
  if (block.said.has("rate") === block.said.has("concurrent")) {
    findings.problem(block, "must have either rate, such as 100/s, or concurrent");
    return null;
  }
  if (concurrent !== undefined) {
    if (burst !== undefined) findings.problem(burst, "has no effect beside concurrent: remove it");
    return { kind: "concurrent", requests: concurrent.value };
  }
  if (rate === undefined) return null;
  const { requests, periodMs } = rate.value;
  return {
    kind: "rate",
    requests,
    periodMs,
    burst: burst?.value ?? Math.min(requests, RATE_LIMIT_BOUNDS.mostRequests),
  };
}

function checkName(leaf: Leaf<string>, known: readonly string[] | null, kind: string, findings: ShapeFindings): void {
  if (known?.includes(leaf.value) === false) findings.problem(leaf, unknownName(leaf.value, known, kind));
}

function values<T>(list: Several<Leaf<T>> | undefined): T[] {
  return (list?.entries ?? []).map(({ value }) => value);
}
