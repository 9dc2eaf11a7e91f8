/**
 * Load reports in response headers (ORCA, gRFC A51 and Envoy's `endpoint-load-metrics`): `TEXT cpu_utilization=0.3,…`,
 * `JSON {"cpu_utilization":0.3}` or `BIN <base64>`; `endpoint-load-metrics-bin` is the binary form alone.
 */
import type { WorkerBlock } from "../../shared/memory/layout/shared-memory.ts";
import { WorkerCounter } from "../../shared/memory/layout/worker-counters.ts";
import { inRange, parseDecimal, USAGE_PERCENT } from "../../shared/ranges.ts";
import { FieldId } from "../http1/field-names.ts";
import { FIELD_STRIDE, FieldPart, type ResponseHead } from "../http1/head.ts";

/** Utilisations as shares, usually 0 … 1 (`USAGE_PERCENT` has the limits); undefined = not reported. */
export interface LoadReport {
  cpu?: number;
  memory?: number;
}

/** In `ResponseHead.seen`: there is a report. */
export const LOAD_REPORT_BITS = (1 << FieldId.ENDPOINT_LOAD_METRICS) | (1 << FieldId.ENDPOINT_LOAD_METRICS_BIN);

/**
 * Publishes a report's values (percent) in the worker's block. What cannot be read, or cannot be true, is ignored and
 * counted: it is only advice.
 */
export function readLoadReport(buf: Buffer, head: ResponseHead, block: WorkerBlock, slot: number): void {
  const id = head.has(FieldId.ENDPOINT_LOAD_METRICS)
    ? FieldId.ENDPOINT_LOAD_METRICS
    : FieldId.ENDPOINT_LOAD_METRICS_BIN;
  const at = head.lastIndex[id] * FIELD_STRIDE;
  const value = buf.toString("latin1", head.fields[at + FieldPart.VALUE_START], head.fields[at + FieldPart.VALUE_END]);
  const report = parseLoadReport(id === FieldId.ENDPOINT_LOAD_METRICS_BIN ? `BIN ${value}` : value, () => {
    block.counters[WorkerCounter.LOAD_REPORTS_IGNORED]++;
  });
  if (report.cpu !== undefined) block.orcaCpuPercent[slot] = report.cpu * 100;
  if (report.memory !== undefined) block.orcaMemoryPercent[slot] = report.memory * 100;
}

/** Reads one report in any of its formats; empty when it cannot be read. @param onIgnored told of each thing that was wrong. */
export function parseLoadReport(value: string, onIgnored: () => void = () => {}): LoadReport {
  try {
    if (value.startsWith("JSON ")) return fromFields(Object.entries(JSON.parse(value.slice(5))), onIgnored);
    if (value.startsWith("BIN ")) return fromProtobuf(Buffer.from(value.slice(4), "base64"), onIgnored);
    const text = value.startsWith("TEXT ") ? value.slice(5) : value;
    return fromFields(
      text.split(",").map((pair) => pair.split("=", 2).map((part) => part.trim())),
      onIgnored,
    );
  } catch {
    onIgnored();
    return {};
  }
}

function fromFields(entries: readonly (readonly unknown[])[], onIgnored: () => void): LoadReport {
  const report: LoadReport = {};
  for (const [name, value] of entries) {
    if (name === "cpu_utilization") take(report, "cpu", toNumber(value), onIgnored);
    else if (name === "mem_utilization") take(report, "memory", toNumber(value), onIgnored);
  }
  return report;
}

/** Numbers of JSON, and numbers in decimal digits: protocol buffers may be written with either. */
function toNumber(value: unknown): number {
  return typeof value === "string" ? parseDecimal(value) : typeof value === "number" ? value : Number.NaN;
}

function take(report: LoadReport, name: keyof LoadReport, share: number, onIgnored: () => void): void {
  if (inRange(share * 100, USAGE_PERCENT))
    report[name] = share + 0; // -0 becomes 0
  else onIgnored();
}

/** `OrcaLoadReport`: field 1 is cpu_utilization, field 2 mem_utilization, both doubles (wire type 1). */
function fromProtobuf(bytes: Buffer, onIgnored: () => void): LoadReport {
  const report: LoadReport = {};
  for (let at = 0; at + 9 <= bytes.length && (bytes[at] & 7) === 1; at += 9) {
    const share = bytes.readDoubleLE(at + 1);
    if (bytes[at] >> 3 === 1) take(report, "cpu", share, onIgnored);
    else if (bytes[at] >> 3 === 2) take(report, "memory", share, onIgnored);
  }
  return report;
}
