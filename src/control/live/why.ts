/** Why a server gets what it gets, in a sentence for people. Pure. */

/** What is known of the server. */
export interface WhyServer {
  readonly state: string;
  readonly reason: string;
  /** Its part of the attempts at its pool's servers, 0 … 1; `null` = there were none. */
  readonly share: number | null;
  readonly weight: number;
  /** After slow start. */
  readonly effective: number;
  readonly inFlight: number;
  /** Requests that it works on at once, as was learned; `null` = no such limit is in force. */
  readonly limit: number | null;
  /** 0 = not enforced. */
  readonly hardLimit: number;
  /** Median of the time to its response heads, milliseconds. */
  readonly p50: number | null;
  /** What learned balancing expects of it at its present load, milliseconds. */
  readonly expectedMs: number | null;
}

/** What is known of the servers of its pool that requests may be sent to. */
export interface WhyPool {
  /** The strategy in force; with `ml` on a lower rung that one's. */
  readonly strategy: string;
  readonly panic: boolean;
  readonly usable: number;
  /** Sum of their weights after slow start. */
  readonly weights: number;
  /** Means over them. */
  readonly inFlight: number;
  readonly p50: number | null;
  readonly expectedMs: number | null;
  /** The least of them. */
  readonly fastestMs: number | null;
}

/** States in which a server takes requests. */
const TAKING: ReadonlySet<string> = new Set(["up", "starting"]);
/** By what strategies go. */
const BY_SPEED: ReadonlySet<string> = new Set(["peak_ewma", "least_response_time", "adaptive", "ml"]);
const BY_LOAD: ReadonlySet<string> = new Set(["least_connections", "p2c"]);
/** A share that is nearer than this to what weights alone would give is that. */
const LIKE = 0.15;

/** The sentence. */
export function why(server: WhyServer, pool: WhyPool): string {
  if (!TAKING.has(server.state) && !pool.panic) return outOfUse(server);
  const parts = [
    pool.panic && !TAKING.has(server.state)
      ? `${server.state}, and gets requests all the same: so few servers are well that all are asked (panic)`
      : choice(server, pool),
    server.state === "starting" ? "no health check has succeeded yet" : "",
    slowStart(server),
    full(server),
    comparedShare(server, pool),
  ];
  return parts.filter((part) => part !== "").join("; ");
}

function outOfUse({ state, reason, inFlight }: WhyServer): string {
  const because = reason === "" ? "" : `: ${reason}`;
  switch (state) {
    case "draining":
    case "maintenance":
      return inFlight === 0 ? `gets nothing new${because}` : `finishes ${inFlight} and gets nothing new${because}`;
    case "standby":
      return `stands by${because}`;
    default:
      return `gets nothing, it is ${state}${because}`;
  }
}

function choice(server: WhyServer, pool: WhyPool): string {
  if (pool.usable === 1) return "the only one that takes requests";
  if (BY_SPEED.has(pool.strategy)) return bySpeed(server, pool);
  if (BY_LOAD.has(pool.strategy)) {
    const others = figure(pool.inFlight);
    return `${server.inFlight} in flight, ${others} on average: whoever has least for its weight is next`;
  }
  switch (pool.strategy) {
    case "round_robin":
      return `in turn with ${pool.usable - 1} other${pool.usable === 2 ? "" : "s"}, whatever its weight`;
    case "consistent_hash":
      return "gets the requests whose key is its own";
    default:
      return `by weight: ${figure(server.effective)} of ${figure(pool.weights)}`;
  }
}

function bySpeed(server: WhyServer, pool: WhyPool): string {
  const expected = server.expectedMs !== null && pool.expectedMs !== null;
  const own = expected ? server.expectedMs : server.p50;
  const mean = expected ? pool.expectedMs : pool.p50;
  if (own === null || mean === null) return "nothing is known of its speed yet: it is tried";
  const isFastest = pool.fastestMs !== null && own <= pool.fastestMs;
  const rank = isFastest
    ? "fastest"
    : own < mean * (1 - LIKE)
      ? "fast"
      : own > mean * (1 + LIKE)
        ? "slow"
        : "as the others";
  const at = expected ? " expected at this load" : " of late";
  return `${rank}: ${figure(own)} ms${at} against ${figure(mean)} ms of the fleet`;
}

function slowStart({ weight, effective }: WhyServer): string {
  return effective < weight * 0.995 ? `slow start: ${percent(effective / weight)} of its weight` : "";
}

function full({ inFlight, limit, hardLimit }: WhyServer): string {
  if (hardLimit > 0 && inFlight >= hardLimit) return `full: ${inFlight} of ${hardLimit}`;
  return limit !== null && inFlight >= limit
    ? `at its limit: ${inFlight} of the ${limit} that it works on at once`
    : "";
}

function comparedShare({ share, effective }: WhyServer, { usable, weights }: WhyPool): string {
  if (share === null || usable < 2 || weights <= 0) return "";
  const fair = effective / weights;
  const like = Math.abs(share - fair) <= LIKE * fair ? "as" : share > fair ? "more than" : "less than";
  return `gets ${percent(share)}, ${like} its weight alone would give (${percent(fair)})`;
}

function percent(share: number): string {
  const hundredths = share * 100;
  return `${hundredths > 0 && hundredths < 1 ? hundredths.toFixed(1) : Math.round(hundredths)} %`;
}

function figure(value: number): string {
  return value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(2)));
}
