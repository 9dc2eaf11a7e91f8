/**
 * What numbers from outside may be, by kind. Whoever takes one in (a setting, a header, a file, a message, a row of the
 * store, the shared memory) asks here, so that whatever computes with it has finite numbers of a sensible size: no product,
 * quotient or 32-bit float of them is infinite.
 */

/** Both ends are allowed. */
export interface Range {
  readonly least: number;
  readonly most: number;
  /** Fractions are not allowed. */
  readonly whole?: boolean;
}

/** A server's weight, up to what SRV records can say. */
export const WEIGHT: Range = { least: 0.001, most: 65_535 };
/** Requests in flight that a server is meant to take. */
export const CAPACITY: Range = { least: 1, most: 1_000_000, whole: true };
/** Which part of a route's requests a pool gets, relative to the route's other pools. */
export const SHARE: Range = { least: 0, most: 1_000_000, whole: true };
/** Pools among which one route may split its requests. */
export const MOST_SHARES = 64;
/** CPU or memory in use, percent of what there is: more than 100 where there is a reservation (gRFC A51). */
export const USAGE_PERCENT: Range = { least: 0, most: 10_000 };
/** How long an attempt took, milliseconds: up to eleven days. */
export const LATENCY_MS: Range = { least: 0, most: 1e9 };
/** Milliseconds of the boot clock or since the epoch: what a `Date` can say. */
export const MOMENT_MS: Range = { least: 0, most: 8.64e15 };
/** What a model is asked about a server, in whatever unit. */
export const FEATURE: Range = { least: -1e30, most: 1e30 };
/** What a model answers. */
export const SCORE: Range = { least: -1e30, most: 1e30 };
/** A model's scaling of its inputs: nothing that a 32-bit float could not keep. */
export const SCALER_MEAN: Range = { least: -1e30, most: 1e30 };
export const SCALER_SCALE: Range = { least: 1e-30, most: 1e30 };

/** True for a number of that kind; false for NaN, for an infinite one and for what is no number. */
export function inRange(value: unknown, { least, most, whole = false }: Range): value is number {
  return typeof value === "number" && value >= least && value <= most && (!whole || Number.isInteger(value));
}

/** `a number from 0.001 to 1000000` */
export function describeRange({ least, most, whole = false }: Range): string {
  return `${whole ? "a whole number" : "a number"} from ${least} to ${most}`;
}

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

/** A number in decimal digits, with an exponent if need be; NaN for all else, such as an empty text, hexadecimal or "Infinity". */
export function parseDecimal(text: string): number {
  return DECIMAL.test(text) ? Number(text) : Number.NaN;
}
