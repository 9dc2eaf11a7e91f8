/** Batches, tries and what is counted of them, on a clock of the test's. */
import { describe, expect, test } from "bun:test";
import { TracerCounter as C } from "../../../../src/shared/memory/layout/tracing.ts";
import { ExportRequests } from "../../../../src/tracer/encode/export-request.ts";
import { Exporter } from "../../../../src/tracer/export/exporter.ts";
import type { SendResult } from "../../../../src/tracer/export/sender.ts";
import { SpanQueue } from "../../../../src/tracer/export/span-queue.ts";
import { recordingLogger } from "../../../support/recording-logger.ts";
import { turn } from "../../../support/turn.ts";

const TAKEN: SendResult = { kind: "taken", rejectedSpans: 0, message: "" };
const LATER: SendResult = { kind: "later", afterMs: null, reason: "it answered 503" };
const REFUSED: SendResult = { kind: "refused", reason: "it answered 400" };

/** No pause between tries is as long. */
const AT_END_MS = 2_001;

function make(of: { maxQueueSpans?: number; maxBatchSpans?: number; maxBytes?: number } = {}) {
  const { maxQueueSpans = 100, maxBatchSpans = 4, maxBytes } = of;
  const counters = new Float64Array(C.LENGTH);
  const { log, lines } = recordingLogger();
  const world = {
    nowMs: 0,
    counters,
    lines,
    /** Requests that were sent, as long as they were. */
    sent: [] as number[],
    timeouts: [] as number[],
    answers: [] as SendResult[],
    /** How long a try takes. */
    takesMs: 0,
    held: null as Promise<SendResult> | null,
    pauses: [] as number[],
    /** The time that there is at the end is over. */
    end: () => {},
  };
  const settings = {
    endpoint: "http://collector:4318/v1/traces?key=secret",
    scheduleDelayMs: 5_000,
    exportTimeoutMs: 30_000,
    timeoutMs: 10_000,
    maxBatchSpans,
    maxQueueSpans,
  };
  const exporter = new Exporter({
    queue: new SpanQueue(maxQueueSpans, maxBytes),
    requests: new ExportRequests({}, { name: "", version: "" }),
    sender: {
      send: (request, timeoutMs) => {
        world.sent.push(request.length);
        world.timeouts.push(timeoutMs);
        world.nowMs += world.takesMs;
        return world.held ?? Promise.resolve(world.answers.shift() ?? TAKEN);
      },
      close: () => {},
    },
    settings,
    counters,
    log,
    nowMs: () => world.nowMs,
    random: () => 1,
    pause: (ms, cut) => {
      if (ms === AT_END_MS) {
        return new Promise((resolve) => {
          world.end = resolve;
          cut.addEventListener("abort", () => resolve());
        });
      }
      world.pauses.push(ms);
      world.nowMs += ms;
      return Promise.resolve();
    },
  });
  const add = (count: number) => {
    for (let i = 0; i < count; i++) exporter.add(new Uint8Array(10));
  };
  const settled = async () => {
    for (let i = 0; i < 50; i++) await turn();
  };
  const sum = () =>
    [C.SPANS_EXPORTED, C.SPANS_REJECTED, C.SPANS_LOST_QUEUE, C.SPANS_LOST_EXPORT].reduce(
      (all, c) => all + counters[c],
      0,
    );
  return { ...{ world, exporter, counters, add, settled, sum, lines } };
}

describe("batches", () => {
  test("are sent when they are full, or when a span has waited for long enough", async () => {
    const { world, exporter, add, settled, counters } = make();
    add(3);
    exporter.step();
    await settled();
    expect(world.sent).toEqual([]);
    expect(counters[C.SPANS_WAITING]).toBe(3);
    world.nowMs = 5_000;
    exporter.step();
    await settled();
    expect([counters[C.SPANS_EXPORTED], counters[C.SPANS_WAITING], counters[C.BYTES_WAITING]]).toEqual([3, 0, 0]);
    add(9);
    exporter.step();
    await settled();
    expect([counters[C.SPANS_EXPORTED], counters[C.SPANS_WAITING]]).toEqual([11, 1]);
    expect(counters[C.EXPORTS]).toBe(3);
  });

  test("count as waiting from the moment that they are there: whoever kills the tracer counts them as lost", () => {
    const { add, counters } = make();
    add(2);
    expect(counters[C.SPANS_WAITING]).toBe(2);
    expect(counters[C.BYTES_WAITING]).toBeGreaterThan(0);
  });

  test("what finds no room is lost and counted: too many, or too many bytes", async () => {
    const { add, counters, exporter, settled, sum } = make({ maxQueueSpans: 6 });
    add(10);
    expect(counters[C.SPANS_LOST_QUEUE]).toBe(4);
    exporter.step();
    await settled();
    await exporter.finish(AT_END_MS);
    expect(sum()).toBe(10);
    const small = make({ maxBytes: 1_000 });
    small.add(10);
    expect(small.counters[C.SPANS_LOST_QUEUE]).toBe(5);
  });
});

describe("a collector that does not take them", () => {
  test("is asked again with longer and longer pauses, until the batch's time is over", async () => {
    const { world, exporter, add, settled, counters, lines } = make();
    world.answers = Array.from({ length: 50 }, () => LATER);
    add(4);
    exporter.step();
    await settled();
    expect(world.pauses).toEqual([500, 1_000, 2_000, 4_000, 5_000, 5_000, 5_000, 5_000]);
    expect([counters[C.SPANS_LOST_EXPORT], counters[C.EXPORT_FAILING], counters[C.EXPORT_FAILURES]]).toEqual([4, 1, 9]);
    expect(lines.map(({ message }) => message)).toEqual([
      "the collector does not take spans: they wait, and are lost when there are too many; requests go on",
    ]);
    expect(lines[0]).toMatchObject({ endpoint: "http://collector:4318/v1/traces", reason: "it answered 503" });
    world.answers = [];
    add(4);
    exporter.step();
    await settled();
    expect([counters[C.SPANS_EXPORTED], counters[C.EXPORT_FAILING]]).toEqual([4, 0]);
    expect(lines.at(-1)?.message).toBe("the collector takes spans again");
  });

  test("a try has no more time than its batch has left", async () => {
    const { world, exporter, add, settled, counters } = make();
    world.takesMs = 12_000;
    world.answers = Array.from({ length: 50 }, () => LATER);
    add(4);
    exporter.step();
    await settled();
    expect(world.timeouts).toEqual([10_000, 10_000, 4_500]);
    expect(counters[C.SPANS_LOST_EXPORT]).toBe(4);
  });

  test("the log has each new reason, and no more than four", async () => {
    const { world, exporter, add, settled, lines } = make();
    const reasons = ["ECONNREFUSED", "it answered 503", "it answered 503", "ECONNREFUSED", "a", "b", "c", "d"];
    world.answers = reasons.map((reason) => ({ kind: "later", afterMs: null, reason }));
    add(4);
    exporter.step();
    await settled();
    expect(lines.map(({ reason }) => reason)).toEqual(["ECONNREFUSED", "it answered 503", "a", "b", undefined]);
    world.answers = [LATER];
    add(4);
    exporter.step();
    await settled();
    expect(lines.slice(5).map(({ reason }) => reason)).toEqual(["it answered 503", undefined]);
  });

  test("that refuses them is not asked again", async () => {
    const { world, exporter, add, settled, counters } = make();
    world.answers = [REFUSED];
    add(8);
    exporter.step();
    await settled();
    expect([counters[C.SPANS_LOST_EXPORT], counters[C.SPANS_EXPORTED], world.pauses.length]).toEqual([4, 4, 0]);
  });

  test("that wants to be left alone is left alone, also by the next batch", async () => {
    const { world, exporter, add, settled, counters } = make();
    world.answers = [{ kind: "later", afterMs: 60_000, reason: "it answered 429" }];
    add(8);
    exporter.step();
    await settled();
    expect([world.sent.length, counters[C.SPANS_LOST_EXPORT], counters[C.SPANS_WAITING]]).toEqual([1, 4, 4]);
    world.nowMs = 59_999;
    exporter.step();
    await settled();
    expect(world.sent).toHaveLength(1);
    world.nowMs = 60_000;
    exporter.step();
    await settled();
    expect(counters[C.SPANS_EXPORTED]).toBe(4);
  });

  test("that takes a part of them says how many it did not want, and is believed within reason", async () => {
    const { world, exporter, add, settled, counters, lines } = make();
    world.answers = [
      { kind: "taken", rejectedSpans: 1, message: "too old" },
      { kind: "taken", rejectedSpans: 2 ** 63, message: "" },
    ];
    add(8);
    exporter.step();
    await settled();
    expect([counters[C.SPANS_EXPORTED], counters[C.SPANS_REJECTED]]).toEqual([3, 5]);
    expect(lines).toHaveLength(1);
  });
});

describe("the end", () => {
  test("sends what is left at once", async () => {
    const { exporter, add, counters, sum } = make();
    add(9);
    await exporter.finish(AT_END_MS);
    expect([counters[C.SPANS_EXPORTED], counters[C.EXPORTS], sum()]).toEqual([9, 3, 9]);
  });

  test("waits no longer than it may for a collector that says nothing; what is left is lost and counted", async () => {
    const { world, exporter, add, counters, sum, lines } = make();
    world.held = new Promise(() => {});
    add(9);
    exporter.step();
    const finished = exporter.finish(AT_END_MS);
    await turn();
    expect([counters[C.SPANS_WAITING], sum()]).toEqual([9, 0]);
    world.end();
    await finished;
    expect([counters[C.SPANS_LOST_EXPORT], counters[C.SPANS_WAITING]]).toEqual([9, 0]);
    expect(lines).toHaveLength(1);
  });

  test("a collector that fails to the last loses what is left, counted", async () => {
    const { world, exporter, add, counters, sum } = make();
    world.answers = Array.from({ length: 50 }, () => LATER);
    add(9);
    await exporter.finish(AT_END_MS);
    expect([counters[C.SPANS_LOST_EXPORT], counters[C.SPANS_WAITING], sum()]).toEqual([9, 0, 9]);
  });
});
