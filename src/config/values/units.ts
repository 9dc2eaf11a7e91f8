/** Numbers with units, as people write durations and sizes: `250ms`, `1m30s`, `10MB`, `64KiB`. */

/** Names of units, largest first, each with how many of the smallest it is. */
type Units = Readonly<Record<string, number>>;

const DURATIONS: Units = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 };
const DECIMAL_SIZES: Units = { TB: 1e12, GB: 1e9, MB: 1e6, kB: 1e3, B: 1 };
const BINARY_SIZES: Units = { TiB: 2 ** 40, GiB: 2 ** 30, MiB: 2 ** 20, KiB: 2 ** 10, B: 1 };

/** What was written, and how a number of the same kind is said in the unit that was written. */
export interface Quantity {
  /** Milliseconds or bytes; exact for whatever is whole in them. */
  readonly amount: number;
  readonly say: (amount: number) => string;
}

/** A duration with units, the largest first and each once: `5s`, `1.5h`, `1m30s`. `null` when it is none. */
export function parseDuration(text: string): Quantity | null {
  if (!/^(\d+d)?(\d+h)?(\d+m(?!s))?(\d+s)?(\d+(\.\d+)?(ms|[dhms]))?$/.test(text)) return null;
  const parts = [...text.matchAll(/([\d.]+)(ms|[dhms])/g)];
  const factors = parts.map(([, , unit]) => DURATIONS[unit]);
  if (parts.length === 0 || factors.some((factor, i) => i > 0 && factor >= factors[i - 1])) return null;
  const amount = parts.reduce((sum, [, number, unit]) => sum + Number(number) * DURATIONS[unit], 0);
  const last = parts[parts.length - 1][2];
  return { amount: exact(amount), say: (ms) => inUnit(ms, last, DURATIONS[last]) ?? sayDuration(ms) };
}

/** A size with its unit, whose letters may be large or small. `null` when it is none. */
export function parseSize(text: string): Quantity | null {
  const match = /^(\d+(?:\.\d+)?)([a-z]+)$/i.exec(text);
  if (match === null) return null;
  const units: Units = { ...DECIMAL_SIZES, ...BINARY_SIZES };
  const unit = Object.keys(units).find((name) => name.toLowerCase() === match[2].toLowerCase());
  if (unit === undefined) return null;
  const say = (bytes: number) => inUnit(bytes, unit, units[unit]) ?? saySize(bytes);
  return { amount: exact(Number(match[1]) * units[unit]), say };
}

/** Milliseconds in the largest unit of which they are a whole number: `75s`. */
export function sayDuration(ms: number): string {
  return ms === 0 ? "0" : inWholes(ms, DURATIONS);
}

/** Bytes in the largest binary unit of which they are a whole number: `32KiB`. */
export function saySize(bytes: number): string {
  return bytes === 0 ? "0" : inWholes(bytes, BINARY_SIZES);
}

function inWholes(amount: number, units: Units): string {
  const names = Object.keys(units);
  const unit = names.find((name) => amount % units[name] === 0) ?? names[names.length - 1];
  return `${amount / units[unit]}${unit}`;
}

/** `null` when it would need more than three decimals. */
function inUnit(amount: number, unit: string, factor: number): string | null {
  return Number.isInteger(exact((amount / factor) * 1000)) ? `${amount / factor}${unit}` : null;
}

/** Undoes the rounding of 0.07 × 1000. */
function exact(amount: number): number {
  return amount > 1e9 ? amount : Math.round(amount * 1e6) / 1e6;
}
