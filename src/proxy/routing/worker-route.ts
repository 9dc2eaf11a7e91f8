/** A route as a worker has it: with its pools, and with its values worked out. */

import { mix32 } from "../../balancing/hash.ts";
import type { RequestSettings } from "../../protocol/pool.ts";
import type { RouteSpec } from "../../protocol/route.ts";
import { ClientAccess } from "../../shared/addresses/client-access.ts";
import { plainFieldName } from "../../shared/fixed-fields.ts";
import { FIRST_ROUTE_NUMBER } from "../../shared/memory/series-table.ts";
import { CompressionRules } from "../compress/plan.ts";
import type { Failure } from "../failure.ts";
import type { RequestHead } from "../http1/head.ts";
import { DEFAULT_TRAILER_LIMITS, type TrailerLimits } from "../http1/trailer-rules.ts";
import { createStickyKey, type StickyKey } from "../pick/sticky-key.ts";
import type { ServerPool } from "../pool/server-pool.ts";
import type { ServerPools } from "../pool/server-pools.ts";
import type { AppliedLimits } from "../rate-limits/applied-limits.ts";
import type { RateLimits } from "../rate-limits/rate-limits.ts";
import { RouteLabels } from "../record/access-log/logged.ts";
import type { Peer } from "../rewrite/request.ts";
import type { TrustedProxies } from "../rewrite/trusted-proxies.ts";
import { type AuthTarget, compileAuth } from "./auth-target.ts";
import type { DurationPlaces, TargetPlaces } from "./duration-places.ts";
import { hostOf } from "./host.ts";
import type { MirrorRows, MirrorTarget } from "./mirror-target.ts";
import { RouteRules } from "./route-rules.ts";

/** The same key may choose the server: the two choices must have nothing to do with each other. */
const SPLIT_SALT = 0x51ab_c0de;

/** What routes are made with. */
export interface RouteParts {
  readonly pools: Pick<ServerPools, "get">;
  /** Of requests that go to no pool. */
  readonly settings: RequestSettings;
  /** Whose word on a client's address is taken. */
  readonly trustedProxies: TrustedProxies;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly rateLimits: Pick<RateLimits, "appliedTo">;
  readonly mirrorRows: MirrorRows;
  readonly durationPlaces: DurationPlaces;
  /** Of requests that no route takes: see `RouteSpec`. */
  readonly hstsMs: number;
  /** Where we listen for TLS at present; null = nowhere. */
  readonly tlsPort: () => number | null;
}

/**
 * Where one request goes: a route with one of its pools. It stays as it is: a reload makes others, and requests under way keep
 * theirs.
 */
export interface Target extends TargetPlaces {
  readonly route: WorkerRoute;
  /** `null`: no server is asked. */
  readonly pool: ServerPool | null;
  /** `Host` for its servers; `null` = the client's. */
  readonly host: Buffer | null;
  /** The pool's, with the route's own over them. */
  readonly settings: RequestSettings;
  /** What its requests fall under; `null` = nothing, as usual. */
  readonly limits: AppliedLimits | null;
  /** What the access log says of it; `null` where the configuration has no routes. */
  readonly labels: RouteLabels | null;
}

/** One route. */
export class WorkerRoute {
  readonly spec: RouteSpec;
  /** What its requests are refused with; `null` = they are not. */
  readonly refusal: Failure | null;
  /** Whose requests are served; `null` = everybody's. */
  readonly access: ClientAccess | null;
  /** Whom to ask whether its requests may pass. */
  readonly auth: AuthTarget | null;
  readonly mirror: MirrorTarget | null;
  /** Which of its responses are compressed; `null` = none. */
  readonly compression: CompressionRules | null;
  readonly rules: RouteRules;
  /** What a client may not say behind the body, because it may not say it before it. */
  readonly trailers: TrailerLimits;
  readonly #durationPlaces: DurationPlaces;
  readonly #rateLimits: RouteParts["rateLimits"];
  readonly #random: () => number;
  /** What a client is told apart by, so that all its requests go to one pool; `null` = each goes by itself. */
  readonly #splitKey: StickyKey | null;
  readonly #targets: readonly Target[];
  /** By target: the sum of the weights up to it, its own included. */
  readonly #shares: readonly number[];
  /** Where there is nothing to choose. */
  readonly #only: Target | null;

  /** Throws when it names a pool that there is not. */
  constructor(spec: RouteSpec, refusal: Failure | null, parts: RouteParts) {
    const { pools, settings, random } = parts;
    this.spec = spec;
    this.refusal = refusal;
    this.access = ClientAccess.of(spec.clients);
    this.#durationPlaces = parts.durationPlaces;
    this.#rateLimits = parts.rateLimits;
    this.#random = random;
    const { action } = spec;
    const splitBy = action.kind === "forward" ? action.splitBy : null;
    this.#splitKey = splitBy === null ? null : createStickyKey(splitBy, parts.trustedProxies);
    this.rules = new RouteRules(spec, parts.tlsPort);
    this.trailers = trailersOf(spec);
    this.auth = spec.forwardAuth && compileAuth(spec.forwardAuth, pools.get(spec.forwardAuth.pool));
    this.mirror = spec.mirror && parts.mirrorRows.target(spec.number, spec.mirror, pools.get(spec.mirror.pool));
    this.compression = spec.compression && new CompressionRules(spec.compression);
    const shares = action.kind === "forward" ? action.targets.filter(({ weight }) => weight > 0) : [];
    let sum = 0;
    this.#targets = shares.map(({ pool }) => this.#targetIn(pools.get(pool)));
    this.#shares = shares.map(({ weight }) => (sum += weight));
    this.#only = this.#targets.length > 1 ? null : (this.#targets[0] ?? this.#withoutPool(settings));
  }

  /** What metrics count its requests under. */
  get number(): number {
    return this.spec.number;
  }

  /** Where the request of `peer` goes, whose head was parsed from `buf`. */
  target(buf: Buffer, head: RequestHead, peer: Peer): Target {
    return this.#only ?? this.#choose(buf, head, peer);
  }

  /**
   * By the hash of what tells clients apart: the same client goes to the same pool in every worker and after restarts, and when
   * shares change only those move that have to. Without it, a client that sticks to a server goes where that is; all others by
   * chance.
   */
  #choose(buf: Buffer, head: RequestHead, peer: Peer): Target {
    if (this.#splitKey !== null) return this.#at(mix32(this.#splitKey(buf, head, peer) ^ SPLIT_SALT) / 2 ** 32);
    for (const target of this.#targets) if (target.pool?.stickyCookie?.find(buf, head)) return target;
    return this.#at(this.#random());
  }

  /** @param at in [0, 1). */
  #at(at: number): Target {
    const shares = this.#shares;
    const last = shares.length - 1;
    const wanted = at * shares[last];
    let index = 0;
    while (index < last && shares[index] <= wanted) index++;
    return this.#targets[index];
  }

  #targetIn(pool: ServerPool): Target {
    const { name, request } = pool.settings;
    return {
      route: this,
      pool,
      host: this.rules.host ?? hostOf(pool),
      settings: { ...request, ...this.spec.settings },
      limits: this.#rateLimits.appliedTo(this.spec.name, name),
      labels: this.#labels(name),
      ...this.#durationPlaces.of(this.spec, name),
    };
  }

  #withoutPool(settings: RequestSettings): Target {
    return {
      route: this,
      pool: null,
      host: null,
      settings: { ...settings, ...this.spec.settings },
      limits: this.#rateLimits.appliedTo(this.spec.name, ""),
      labels: this.#labels(null),
      ...this.#durationPlaces.of(this.spec, ""),
    };
  }

  /** Where everything goes to one pool, lines say nothing of it. */
  #labels(pool: string | null): RouteLabels | null {
    return this.number < FIRST_ROUTE_NUMBER ? null : new RouteLabels(this.spec.name, pool);
  }
}

/** Fields that are removed from a request, or that only we and its auth server say. */
function trailersOf({ requestHeaders, forwardAuth }: RouteSpec): TrailerLimits {
  const names = [
    ...(requestHeaders?.remove ?? []),
    ...(requestHeaders?.set ?? []).map(({ name }) => name),
    ...(forwardAuth?.responseHeaders ?? []),
  ];
  return names.length === 0
    ? DEFAULT_TRAILER_LIMITS
    : { ...DEFAULT_TRAILER_LIMITS, refused: names.map((name) => Buffer.from(plainFieldName(name), "latin1")) };
}
