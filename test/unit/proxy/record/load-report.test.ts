import { describe, expect, test } from "bun:test";
import { parseLoadReport, readLoadReport } from "../../../../src/proxy/record/load-report.ts";
import { SHARED_BYTES, viewSharedMemory } from "../../../../src/shared/memory/layout/shared-memory.ts";
import { WorkerCounter } from "../../../../src/shared/memory/layout/worker-counters.ts";
import { response } from "../support.ts";

/** An `OrcaLoadReport` with these two shares. */
function binary(cpu: number, memory: number): string {
  const bytes = Buffer.alloc(18);
  bytes[0] = (1 << 3) | 1;
  bytes.writeDoubleLE(cpu, 1);
  bytes[9] = (2 << 3) | 1;
  bytes.writeDoubleLE(memory, 10);
  return bytes.toString("base64");
}

describe("load reports", () => {
  test.each([
    ["TEXT cpu_utilization=0.3,mem_utilization=0.8", { cpu: 0.3, memory: 0.8 }],
    ["cpu_utilization=0.3, mem_utilization = 0.8, named_metrics.x=1", { cpu: 0.3, memory: 0.8 }],
    ['JSON {"cpu_utilization":1.5,"mem_utilization":0}', { cpu: 1.5, memory: 0 }],
    [`BIN ${binary(0.25, 0.5)}`, { cpu: 0.25, memory: 0.5 }],
    ["TEXT cpu_utilization=-1,mem_utilization=NaN", {}],
    ["JSON {", {}],
    ['JSON {"cpu_utilization":"high"}', {}],
    ["JSON null", {}],
    ["BIN !!!!", {}],
    [`BIN ${binary(Number.NaN, Number.POSITIVE_INFINITY)}`, {}],
    ["rubbish", {}],
    ["", {}],
    ["TEXT cpu_utilization=1e300,mem_utilization=0.5", { memory: 0.5 }],
    ["TEXT cpu_utilization=Infinity,mem_utilization=1e999", {}],
    ["TEXT cpu_utilization=0x10,mem_utilization=", {}],
    ["TEXT cpu_utilization=-0,mem_utilization=5e-320", { cpu: 0, memory: 5e-320 }],
    ["TEXT cpu_utilization=100.01,mem_utilization=100", { memory: 100 }],
    ['JSON {"cpu_utilization":true,"mem_utilization":[0.5]}', {}],
    ['JSON {"cpu_utilization":1e300,"mem_utilization":null}', {}],
    ['JSON {"cpu_utilization":"0.5","mem_utilization":""}', { cpu: 0.5 }],
    [`BIN ${binary(1e300, 5e-324)}`, { memory: 5e-324 }],
    [`BIN ${binary(-0, -5e-324)}`, { cpu: 0 }],
  ])("%p", (value, expected) => {
    expect(parseLoadReport(value)).toEqual(expected);
  });

  test("are published as percent, and keep the last known value", () => {
    const [block] = viewSharedMemory(new ArrayBuffer(SHARED_BYTES)).workers;
    const publish = (lines: string) => {
      const { buf, head } = response(`HTTP/1.1 200 OK\r\n${lines}\r\n`);
      readLoadReport(buf, head, block, 5);
      return [block.orcaCpuPercent[5], block.orcaMemoryPercent[5]];
    };
    expect(publish("Endpoint-Load-Metrics: TEXT cpu_utilization=0.5,mem_utilization=0.25\r\n")).toEqual([50, 25]);
    expect(publish("endpoint-load-metrics: cpu_utilization=0.75\r\n")).toEqual([75, 25]);
    expect(publish(`endpoint-load-metrics-bin: ${binary(1, 0.125)}\r\n`)).toEqual([100, 12.5]);
    expect(publish("endpoint-load-metrics: rubbish\r\n")).toEqual([100, 12.5]);
    expect(block.counters[WorkerCounter.LOAD_REPORTS_IGNORED]).toBe(0);
    expect(publish("endpoint-load-metrics: TEXT cpu_utilization=1e300\r\n")).toEqual([100, 12.5]);
    expect(publish("endpoint-load-metrics: JSON {\r\n")).toEqual([100, 12.5]);
    expect(block.counters[WorkerCounter.LOAD_REPORTS_IGNORED]).toBe(2);
  });
});
