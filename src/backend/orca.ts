/**
 * Open Request Cost Aggregation: a load report in the header of every response, in the text form that Envoy and gRPC
 * read (`endpoint-load-metrics: TEXT cpu_utilization=0.25,mem_utilization=0.4`).
 */

/** Name of the header. */
export const ORCA_HEADER = "endpoint-load-metrics";

/** The header's value; the arguments are percent, the report holds fractions (1 = one core, all memory). */
export function orcaReport(cpuPercent: number, memoryPercent: number): string {
  const fraction = (percent: number) => (percent / 100).toFixed(4);
  return `TEXT cpu_utilization=${fraction(cpuPercent)},mem_utilization=${fraction(memoryPercent)}`;
}
