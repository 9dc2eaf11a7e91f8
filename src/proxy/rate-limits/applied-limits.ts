/** The limits that requests of one route to one pool fall under. */
import type { RateLimit } from "./rate-limit.ts";
import { RequestKey } from "./request-key.ts";

/** One of them, with what tells its requests apart here. */
export interface AppliedLimit {
  readonly limit: RateLimit;
  readonly key: RequestKey;
}

/** All of them; never empty. */
export class AppliedLimits {
  readonly all: readonly AppliedLimit[];
  /** One of them looks at addresses before it counts. */
  readonly asksAddress: boolean;
  /** Those of which responses say what is left. */
  readonly shown: readonly boolean[];
  /** Begins the lines of a response that tells of these; `null` = of none. */
  readonly policyLine: string | null;
  /** Added to the worker's clock it gives the boot clock, which all workers share. */
  readonly bootOffsetMs: number;

  private constructor(limits: readonly RateLimit[], route: string, pool: string, bootOffsetMs: number) {
    this.bootOffsetMs = bootOffsetMs;
    this.all = limits.map((limit) => ({
      limit,
      key: new RequestKey(limit.spec, route, pool, limit.kept.memory.secret),
    }));
    this.asksAddress = limits.some((limit) => limit.asksAddress);
    this.shown = limits.map(({ spec }) => spec.fields && spec.mode === "enforce");
    const shown = limits.filter((_, index) => this.shown[index]);
    this.policyLine = shown.length === 0 ? null : policyLine(shown);
  }

  /** @param pool its name; empty = they go to none. @returns null = nothing is limited. */
  static of(limits: readonly RateLimit[], route: string, pool: string, bootOffsetMs: number): AppliedLimits | null {
    const applied = limits.filter(
      ({ spec: { mode, routes, pools } }) =>
        mode !== "off" &&
        (routes.length === 0 || routes.includes(route)) &&
        (pools.length === 0 || pools.includes(pool)),
    );
    return applied.length === 0 ? null : new AppliedLimits(applied, route, pool, bootOffsetMs);
  }
}

/** `RateLimit-Policy` of draft-ietf-httpapi-ratelimit-headers-11, section 3. */
function policyLine(limits: readonly RateLimit[]): string {
  return `RateLimit-Policy: ${limits.map(({ policy }) => policy).join(", ")}\r\n`;
}
