/** Reads an exposition in any format to the same: types by family, values and exemplars by series. */
import type { FormatName } from "../../../../../src/telemetry/metrics/formats/negotiation.ts";
import { type ExemplarMessage, type LabelPair, readFamilies } from "./metric-families.ts";

/** An exemplar as it was read. */
export interface ReadExemplar {
  readonly labels: readonly LabelPair[];
  readonly value: number;
  readonly timeMs: number;
}

/** What was read. Series are called by their sample's name and labels: see `series`. */
export interface Reading {
  /** By the name as a counter has it in text: with `_total`. Families without a sample are left out. */
  readonly types: Map<string, string>;
  readonly values: Map<string, number>;
  readonly exemplars: Map<string, ReadExemplar>;
}

/** The key of a series; labels in any order, `le` and `quantile` as numbers. */
export function series(name: string, labels: readonly LabelPair[]): string {
  const pairs = labels.map(({ name: label, value }) =>
    JSON.stringify([label, label === "le" || label === "quantile" ? numberOf(value) : value]),
  );
  return `${name}{${pairs.sort().join(",")}}`;
}

/** Reads it; throws on what the format does not allow. */
export function read(format: FormatName, exposition: Uint8Array): Reading {
  return format === "protobuf" ? readProtobuf(exposition) : readText(format, Buffer.from(exposition).toString("utf8"));
}

const SAMPLE = /^([a-z0-9_]+)(?:\{(.*?)\})? ([^ ]+)(?: # \{(.*)\} ([^ ]+) ([^ ]+))?$/su;
const LABEL = /([a-z_]+)="((?:[^"\\]|\\["\\n])*)"(,|$)/suy;

function readText(format: FormatName, text: string): Reading {
  const reading: Reading = { types: new Map(), values: new Map(), exemplars: new Map() };
  const isOpen = format === "openmetrics";
  const lines = text.split("\n");
  if (lines.pop() !== "") throw new Error("the last line has no end");
  if (isOpen && lines.pop() !== "# EOF") throw new Error("there is no # EOF at the end");
  let family = { name: "", type: "" };
  for (const line of lines) {
    if (line === "" && !isOpen) continue;
    const type = /^# TYPE ([a-z0-9_]+) ([a-z]+)$/.exec(line);
    if (type !== null) family = { name: type[1], type: type[2] };
    if (/^# (TYPE|HELP|UNIT) [a-z0-9_]+ /.test(line)) continue;
    const match = SAMPLE.exec(line);
    if (match === null) throw new Error(`not a sample: ${line}`);
    const [, name, labels = "", value, ofExemplar, exemplarValue, time] = match;
    const suffix = name.startsWith(family.name) ? name.slice(family.name.length) : "none";
    const suffixes = { counter: isOpen ? ["_total"] : [""], gauge: [""], summary: ["", "_sum", "_count"] };
    const allowed = suffixes[family.type as "gauge"] ?? ["_bucket", "_sum", "_count"];
    if (!allowed.includes(suffix)) throw new Error(`not of ${family.name}: ${line}`);
    reading.types.set(family.type === "counter" ? name : family.name, family.type);
    const key = series(name, readLabels(labels));
    if (reading.values.has(key)) throw new Error(`twice: ${line}`);
    reading.values.set(key, numberOf(value));
    if (ofExemplar === undefined) continue;
    const labelsOfExemplar = readLabels(ofExemplar);
    reading.exemplars.set(key, {
      labels: labelsOfExemplar,
      value: Number(exemplarValue),
      timeMs: Math.round(Number(time) * 1000),
    });
  }
  return reading;
}

function readLabels(text: string): LabelPair[] {
  const labels: LabelPair[] = [];
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const match = LABEL.exec(text);
    if (match === null) throw new Error(`not labels: ${text}`);
    const value = match[2].replace(/\\(.)/g, (_, escaped: string) => (escaped === "n" ? "\n" : escaped));
    labels.push({ name: match[1], value });
  }
  return labels;
}

function numberOf(text: string): number {
  if (text === "+Inf") return Number.POSITIVE_INFINITY;
  if (text === "-Inf") return Number.NEGATIVE_INFINITY;
  if (text !== "NaN" && !/^-?[\d.]+(e[+-]?\d+)?$/.test(text)) throw new Error(`not a number: ${text}`);
  return Number(text);
}

function readProtobuf(bytes: Uint8Array): Reading {
  const reading: Reading = { types: new Map(), values: new Map(), exemplars: new Map() };
  const add = (name: string, labels: readonly LabelPair[], value: number, exemplar?: ExemplarMessage): void => {
    const key = series(name, labels);
    if (reading.values.has(key)) throw new Error(`twice: ${key}`);
    reading.values.set(key, value + 0); // -0 is 0, as in text
    if (exemplar === undefined) return;
    const { seconds = 0n, nanos = 0 } = exemplar.timestamp ?? {};
    const read = exemplar.label.map(({ name, value }) => ({ name, value }));
    reading.exemplars.set(key, {
      labels: read,
      value: exemplar.value + 0,
      timeMs: Number(seconds) * 1000 + nanos / 1e6,
    });
  };
  const text = (value: number): string => (value === Number.POSITIVE_INFINITY ? "+Inf" : String(value));
  for (const { name, type, metric } of readFamilies(bytes)) {
    reading.types.set(name, ["counter", "gauge", "summary", "untyped", "histogram"][type]);
    for (const { label, gauge, counter, summary, histogram } of metric) {
      if (gauge !== undefined) add(name, label, gauge.value);
      if (counter !== undefined) add(name, label, counter.value, counter.exemplar);
      const whole = summary ?? histogram;
      if (whole === undefined) continue;
      add(`${name}_sum`, label, whole.sampleSum);
      add(`${name}_count`, label, Number(whole.sampleCount));
      for (const { quantile, value } of summary?.quantile ?? []) {
        add(name, [...label, { name: "quantile", value: text(quantile) }], value);
      }
      for (const { upperBound, cumulativeCount, exemplar } of histogram?.bucket ?? []) {
        add(`${name}_bucket`, [...label, { name: "le", value: text(upperBound) }], Number(cumulativeCount), exemplar);
      }
    }
  }
  return reading;
}
