/** Numbers for people: three digits that matter, a unit, and the same in every country. */

/** A number and its unit apart, for big figures. */
export interface Figure {
  readonly value: string;
  readonly unit: string;
}

/** What is shown where nothing is known. */
export const UNKNOWN = "–";
const UNKNOWN_FIGURE: Figure = { value: UNKNOWN, unit: "" };

/** Three digits that matter, never with an exponent: `0.042`, `1.25`, `38.1`, `412`. */
export function digits(value: number): string {
  const size = Math.abs(value);
  if (size >= 99.95 || size === 0) return String(Math.round(value));
  if (size >= 9.995) return value.toFixed(1);
  if (size >= 0.995) return value.toFixed(2);
  if (size < 0.0005) return value < 0 ? "-0" : "0";
  return value.toFixed(size >= 0.0995 ? 2 : 3);
}

/** Counts and rates: `0`, `12.5`, `1.24 k`, `3.1 M`. */
export function countFigure(value: number | null | undefined, unit = ""): Figure {
  if (value === null || value === undefined || !Number.isFinite(value)) return UNKNOWN_FIGURE;
  const size = Math.abs(value);
  if (size >= 999_500_000) return { value: digits(value / 1e9), unit: `G${unit}` };
  if (size >= 999_500) return { value: digits(value / 1e6), unit: `M${unit}` };
  if (size >= 9_999.5) return { value: digits(value / 1e3), unit: `k${unit}` };
  if (size >= 99.95) return { value: grouped(Math.round(value)), unit };
  return { value: trimmed(digits(value)), unit };
}

/** Milliseconds: `0.42 ms`, `12.3 ms`, `1.25 s`, `2 min 5 s`. */
export function latencyFigure(ms: number | null | undefined): Figure {
  if (ms === null || ms === undefined || !Number.isFinite(ms)) return UNKNOWN_FIGURE;
  if (Math.abs(ms) < 999.5) return { value: digits(ms), unit: "ms" };
  if (Math.abs(ms) < 99_950) return { value: digits(ms / 1000), unit: "s" };
  return { value: digits(ms / 60_000), unit: "min" };
}

/** Bytes in powers of a thousand, as rates have them. */
export function byteFigure(bytes: number | null | undefined, unit = "B"): Figure {
  if (bytes === null || bytes === undefined || !Number.isFinite(bytes)) return UNKNOWN_FIGURE;
  if (Math.abs(bytes) < 1000) return { value: String(Math.round(bytes)), unit };
  const figure = countFigure(bytes);
  if (Math.abs(bytes) < 9_999.5) return { value: digits(bytes / 1000), unit: `k${unit}` };
  return { value: figure.value, unit: `${figure.unit}${unit}` };
}

/** `Figure` as one text. */
export function joined({ value, unit }: Figure): string {
  return unit === "" ? value : `${value} ${unit}`;
}

/** A count or a rate as one text. */
export function count(value: number | null | undefined, unit = ""): string {
  return joined(countFigure(value, unit));
}

/** Milliseconds as one text. */
export function latency(ms: number | null | undefined): string {
  return joined(latencyFigure(ms));
}

/** Milliseconds at an axis: `50 ms`, never `50.0 ms`. */
export function latencyTick(ms: number | null | undefined): string {
  const { value, unit } = latencyFigure(ms);
  return joined({ value: trimmed(value), unit });
}

/** Of 0 … 1: `0 %`, `<0.1 %`, `3.2 %`, `48 %`. */
export function percent(share: number | null | undefined): string {
  if (share === null || share === undefined || !Number.isFinite(share)) return UNKNOWN;
  const value = share * 100;
  const size = Math.abs(value);
  if (size === 0) return "0 %";
  if (size < 0.1) return value < 0 ? ">-0.1 %" : "<0.1 %";
  if (size < 9.95) return `${value.toFixed(1)} %`;
  return `${Math.round(value)} %`;
}

/** As `percent`, with its sign. */
export function signedPercent(share: number | null | undefined): string {
  if (share === null || share === undefined || !Number.isFinite(share)) return UNKNOWN;
  return share > 0 ? `+${percent(share)}` : percent(share);
}

/** `1 server`, `3 servers`. */
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${grouped(n)} ${n === 1 ? one : many}`;
}

/** A whole number with thin spaces between thousands. */
export function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+(?!\d))/g, "\u2009");
}

function trimmed(text: string): string {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}
