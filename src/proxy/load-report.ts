/**
 * Load reports in response headers (ORCA, gRFC A51 and Envoy's `endpoint-load-metrics`): `TEXT cpu_utilization=0.3,…`,
 * `JSON {"cpu_utilization":0.3}` or `BIN <base64>`; `endpoint-load-metrics-bin` is the binary form alone.
 */
import type { WorkerBlock } from "../shared/layout.ts";
import { FieldId } from "./http1/field-names.ts";
import { FIELD_STRIDE, FieldPart, type ResponseHead } from "./http1/head.ts";

/** Utilisations as shares, usually 0 … 1; undefined = not reported. */
export interface LoadReport {
  cpu?: number;
  memory?: number;
}

/** Publishes a report's values (percent) in the worker's block. What cannot be read is ignored: it is only advice. */
export function readLoadReport(buf: Buffer, head: ResponseHead, block: WorkerBlock, slot: number): void {
  const id = head.has(FieldId.ENDPOINT_LOAD_METRICS)
    ? FieldId.ENDPOINT_LOAD_METRICS
    : FieldId.ENDPOINT_LOAD_METRICS_BIN;
  const at = head.lastIndex[id] * FIELD_STRIDE;
  const value = buf.toString("latin1", head.fields[at + FieldPart.VALUE_START], head.fields[at + FieldPart.VALUE_END]);
  const report = parseLoadReport(id === FieldId.ENDPOINT_LOAD_METRICS_BIN ? `BIN ${value}` : value);
  if (report.cpu !== undefined) block.orcaCpuPercent[slot] = report.cpu * 100;
  if (report.memory !== undefined) block.orcaMemoryPercent[slot] = report.memory * 100;
}

/** Reads one report in any of its formats; empty when it cannot be read. */
export function parseLoadReport(value: string): LoadReport {
  try {
    if (value.startsWith("JSON ")) return fromFields(Object.entries(JSON.parse(value.slice(5))));
    if (value.startsWith("BIN ")) return fromProtobuf(Buffer.from(value.slice(4), "base64"));
    const text = value.startsWith("TEXT ") ? value.slice(5) : value;
    return fromFields(text.split(",").map((pair) => pair.split("=", 2).map((part) => part.trim())));
  } catch {
    return {};
  }
}

function fromFields(entries: readonly (readonly unknown[])[]): LoadReport {
  const report: LoadReport = {};
  for (const [name, value] of entries) {
    const share = Number(value);
    if (!Number.isFinite(share) || share < 0) continue;
    if (name === "cpu_utilization") report.cpu = share;
    else if (name === "mem_utilization") report.memory = share;
  }
  return report;
}

/** `OrcaLoadReport`: field 1 is cpu_utilization, field 2 mem_utilization, both doubles (wire type 1). */
function fromProtobuf(bytes: Buffer): LoadReport {
  const report: LoadReport = {};
  for (let at = 0; at + 9 <= bytes.length && (bytes[at] & 7) === 1; at += 9) {
    const share = bytes.readDoubleLE(at + 1);
    if (!Number.isFinite(share) || share < 0) continue;
    if (bytes[at] >> 3 === 1) report.cpu = share;
    else if (bytes[at] >> 3 === 2) report.memory = share;
  }
  return report;
}
