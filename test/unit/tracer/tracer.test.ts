/** Rings in, spans out, over a plain buffer. */
import { describe, expect, test } from "bun:test";
import { Header, SHARED_BYTES, viewSharedMemory } from "../../../src/shared/memory/layout/shared-memory.ts";
import { TRACE_ROWS, TracerCounter } from "../../../src/shared/memory/layout/tracing.ts";
import { Tracer } from "../../../src/tracer/tracer.ts";
import { TRACED_NAMES, writeTrace } from "../../support/tracing/records.ts";

const memory = viewSharedMemory(new ArrayBuffer(SHARED_BYTES));
memory.header[Header.WORKER_BLOCKS] = 2;

function make(onSpan: (count: number) => void = () => {}) {
  const spans: Uint8Array[] = [];
  const add = (span: Uint8Array): void => {
    onSpan(spans.length);
    spans.push(span);
  };
  const exporter = { add, step: () => {}, finish: async () => {} };
  const names = TRACED_NAMES;
  return { spans, tracer: new Tracer({ memory, names, exporter, maxValueLength: null, wallOffsetMs: () => 0 }) };
}

describe("the tracer", () => {
  test("reads what all workers wrote, each record once, and a successor goes on behind it", () => {
    const { spans, tracer } = make();
    writeTrace(memory, 0, { attempts: [{}, {}] });
    writeTrace(memory, 1);
    tracer.step();
    tracer.step();
    expect(spans).toHaveLength(4);
    writeTrace(memory, 1);
    const successor = make();
    successor.tracer.step();
    expect(successor.spans).toHaveLength(1);
  });

  test("which is killed in the midst of it leaves no record that its successor would count again", () => {
    for (let i = 0; i < 3; i++) writeTrace(memory, 0);
    const killed = new Error("killed");
    const dying = make((count) => {
      if (count === 2) throw killed;
    });
    expect(() => dying.tracer.step()).toThrow(killed);
    const successor = make();
    successor.tracer.step();
    expect([dying.spans.length, successor.spans.length]).toEqual([2, 1]);
  });

  test("counts what was overwritten before it came to read it", () => {
    const { spans, tracer } = make();
    for (let i = 0; i < TRACE_ROWS + 10; i++) writeTrace(memory, 0);
    tracer.step();
    const lost = memory.tracer.counters[TracerCounter.SPANS_LOST_RING];
    expect(lost).toBeGreaterThanOrEqual(10);
    expect(lost + spans.length).toBe(TRACE_ROWS + 10);
  });
});
