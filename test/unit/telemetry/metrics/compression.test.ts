import { expect, test } from "bun:test";
import { WorkerCounter } from "../../../../src/shared/memory/layout/worker-counters.ts";
import { Metrics } from "../../../../src/telemetry/metrics/metrics.ts";
import { makeSource, parseExposition } from "./fixture.ts";

test("compression is shown once there was any, summed over the workers", () => {
  const source = makeSource({});
  const shown = () => {
    const { samples } = parseExposition(new Metrics(source).render());
    return (name: string, labels: string) => samples.get(`neurabalancer_compressed_${name}{${labels}}`);
  };
  expect(shown()("responses_total", "result=compressed")).toBeUndefined();
  for (const worker of [0, 1]) {
    const { counters } = source.memory.workers[worker];
    counters[WorkerCounter.RESPONSES_COMPRESSED] = 3;
    counters[WorkerCounter.COMPRESSED_BYTES] = 1000;
    counters[WorkerCounter.COMPRESSED_BYTES_SENT] = 300;
  }
  const of = shown();
  expect(of("responses_total", "result=compressed")).toBe(6);
  expect(of("responses_total", "result=skipped")).toBe(0);
  expect(of("bytes_total", "side=server")).toBe(2000);
  expect(of("bytes_total", "side=client")).toBe(600);
});
